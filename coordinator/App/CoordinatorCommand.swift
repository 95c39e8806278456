package import ArgumentParser
import ConfigurationKit
import CoordinatorSettings
import Foundation
import Logging
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The command line of `tocsin-coordinator`.
package struct CoordinatorCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "tocsin-coordinator",
        abstract: "Takes what the agents see, detects trouble, opens incidents and answers `tocsin`.",
        version: TocsinVersion.current)

    @Option(help: "The configuration file.")
    var config = "/etc/tocsin/coordinator.yaml"

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    @Flag(help: "Check the configuration and exit: 0 when it is right, 2 when it is not.")
    var dryRun = false

    package init() {}

    package func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("there is no log level '\(logLevel)'")
        }
        let configuration: CoordinatorApp.Configuration
        do {
            let loaded = try CoordinatorApp.Configuration.load(
                path: config, environment: ProcessInfo.processInfo.environment)
            for warning in loaded.warnings { complain("\(warning)") }
            configuration = loaded.configuration
        } catch {
            complain("\(error)")
            throw ExitCode(2)
        }
        if dryRun { return }
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "tocsin-coordinator")
        logger.logLevel = level
        try await CoordinatorApp(configuration: configuration, logger: logger).run(signals: [.sigterm, .sigint])
    }

    private func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

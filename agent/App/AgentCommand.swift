import AgentSettings
package import ArgumentParser
import ConfigurationKit
import Foundation
import Logging
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The command line of `tocsin-agent`.
package struct AgentCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "tocsin-agent",
        abstract: "Probes the pods, actuators and databases of one node and streams what it finds to the coordinator.",
        version: TocsinVersion.current)

    @Option(help: "The configuration file.")
    var config = "/etc/tocsin/agent.yaml"

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    @Flag(help: "Check the configuration and exit: 0 when it is right, 2 when it is not.")
    var dryRun = false

    package init() {}

    package func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("there is no log level '\(logLevel)'")
        }
        let settings: AgentSettings
        do {
            let loaded = try AgentSettings.load(path: config, environment: ProcessInfo.processInfo.environment)
            for warning in loaded.warnings { complain("\(warning)") }
            settings = loaded.value
        } catch {
            complain("\(error)")
            throw ExitCode(2)
        }
        if dryRun { return }
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "tocsin-agent")
        logger.logLevel = level
        try await AgentApp(settings: settings, logger: logger).run(signals: [.sigterm, .sigint])
    }

    private func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}

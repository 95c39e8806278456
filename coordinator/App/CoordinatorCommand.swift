package import ArgumentParser
import ConfigurationKit
import CoordinatorSettings
import DaemonLaunch
import Foundation
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

    @OptionGroup var launch: LaunchOptions

    package init() {}

    package func run() async throws {
        let loaded = try LaunchOptions.configuration {
            try CoordinatorApp.Configuration.load(path: config, environment: ProcessInfo.processInfo.environment)
        }
        for warning in loaded.warnings { LaunchOptions.complain("\(warning)") }
        if launch.dryRun { return }
        try await CoordinatorApp(
            configuration: loaded.configuration, logger: launch.logger(label: "tocsin-coordinator")
        ).run(signals: [.sigterm, .sigint])
    }
}

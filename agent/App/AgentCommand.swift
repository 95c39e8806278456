import AgentSettings
package import ArgumentParser
import ConfigurationKit
import DaemonLaunch
import FoundationEssentials
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The command line of `tocsin-agent`.
package struct AgentCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "tocsin-agent",
        abstract: "Probes the pods, actuators and databases of one node and streams what it finds to the coordinator.",
        version: TocsinVersion.current, subcommands: [Run.self, DoctorCommand.self], defaultSubcommand: Run.self)

    package init() {}

    /// The file that every subcommand reads.
    struct File: ParsableArguments {
        @Option(help: "The configuration file.")
        var config = "/etc/tocsin/agent.yaml"

        /// Reads it; what is wrong with it ends the program with exit code 2.
        func settings() throws -> Loaded<AgentSettings> {
            try LaunchOptions.configuration {
                try AgentSettings.load(path: config, environment: ProcessInfo.processInfo.environment)
            }
        }
    }

    /// `tocsin-agent run`, which is also `tocsin-agent` alone.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Probes and streams until it is told to stop.")

        @OptionGroup var file: File
        @OptionGroup var launch: LaunchOptions

        func run() async throws {
            let loaded = try file.settings()
            for warning in loaded.warnings { LaunchOptions.complain("\(warning)") }
            if launch.dryRun { return }
            let folder = URL(fileURLWithPath: file.config).deletingLastPathComponent().path
            try await AgentApp(
                settings: loaded.value, configurationFolder: folder, logger: launch.logger(label: "tocsin-agent")
            ).run(signals: [.sigterm, .sigint])
        }
    }
}

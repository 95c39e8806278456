package import ArgumentParser
import ConfigurationKit
import CoordinatorSettings
import DaemonLaunch
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
        version: TocsinVersion.current, subcommands: [Run.self, BackupCommand.self], defaultSubcommand: Run.self)

    package init() {}

    /// The file that every subcommand reads.
    struct File: ParsableArguments {
        @Option(help: "The configuration file.")
        var config = "/etc/tocsin/coordinator.yaml"

        /// Reads it; what is wrong with it ends the program with exit code 2.
        func configuration() throws -> CoordinatorApp.Configuration.Loading {
            try LaunchOptions.configuration {
                try CoordinatorApp.Configuration.load(path: config, environment: ProcessInfo.processInfo.environment)
            }
        }
    }

    /// `tocsin-coordinator run`, which is also `tocsin-coordinator` alone.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Serves until it is told to stop.")

        @OptionGroup var file: File
        @OptionGroup var launch: LaunchOptions

        func run() async throws {
            let loaded = try file.configuration()
            for warning in loaded.warnings { LaunchOptions.complain("\(warning)") }
            if launch.dryRun { return }
            let logger = launch.logger(label: "tocsin-coordinator")
            var configuration = loaded.configuration
            let connectionsMax = max(10, OpenFileLimit.raise() - OpenFileLimit.reserved)
            if configuration.listener.connectionsMax > connectionsMax {
                logger.warning(
                    "fewer connections are taken than limits.connections says: the system allows no more open files",
                    metadata: ["connections": "\(connectionsMax)"])
                configuration.listener.connectionsMax = connectionsMax
            }
            try await CoordinatorApp(configuration: configuration, logger: logger).run(signals: [.sigterm, .sigint])
        }
    }
}

/// `tocsin-coordinator backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the data folder of a coordinator that may be at work; to restore, start one on the copy.",
        discussion:
            "Exit code 0: the copy is whole; 1: it is not, or a damaged file was left out; 2: the file is wrong.")

    @Argument(help: "The folder of the copy: not there yet, or empty.")
    var destination: String

    @OptionGroup var file: CoordinatorCommand.File

    func run() async throws {
        let loaded = try file.configuration()
        let backup = CoordinatorBackup(
            dataDirectory: loaded.configuration.dataDirectory, now: CoordinatorApp.wallClock)
        do {
            let report = try backup.write(to: destination)
            for file in report.files { LaunchOptions.complain("\(file.name): \(file.bytes) bytes") }
            for reason in report.leftOut { LaunchOptions.complain("left out: \(reason)") }
            if !report.leftOut.isEmpty { throw ExitCode(1) }
        } catch let error as ExitCode {
            throw error
        } catch {
            LaunchOptions.complain("no copy was made: \(error)")
            throw ExitCode(1)
        }
    }
}

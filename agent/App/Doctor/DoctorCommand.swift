import ArgumentParser
import ConfigurationKit
import SystemPackage

/// `tocsin-agent doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tries everything that the file names, once, and says what is missing and what would fix it.",
        discussion: "Exit code 0: all of it works; 1: something does not; 2: the file is wrong.")

    /// How the report is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @OptionGroup var file: AgentCommand.File

    @Option(name: .shortAndLong, help: "table or json.")
    var output = Format.table

    func run() async throws {
        let loaded = try file.settings()
        let doctor = Doctor(
            settings: loaded.value, warnings: loaded.warnings + loaded.missingFiles(), now: AgentApp.wallClock)
        let report = await doctor.examine()
        let text = output == .json ? try report.json() : report.text
        try FileDescriptor.standardOutput.writeAll(Array(text.utf8))
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}

import AgentSettings
import ArgumentParser
import ConfigurationKit
import CoordinatorSettings

/// `tocsin config`.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Configuration files.",
        subcommands: [Check.self, Schema.self, EffectiveConfigCommand.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check files of every kind: all errors at once, with their places.",
            discussion: "Ends with 2 when any file is refused. Warnings alone are fine.")

        @Argument(help: "Files of kind agent, coordinator, thresholds or contexts.")
        var files: [String]

        @Option(name: [.customShort("o"), .long], help: "How to write the answer: table, json or yaml.")
        var output = OutputFormat.table

        func run() async throws {
            let report = CheckReport(
                results: ConfigurationCheck(environment: Console.standard.environment).results(files))
            Console.standard.write(report.text(output, Console.standard.renderContext()))
            if !report.isFine {
                let bad = report.results.filter { !$0.isFine }.count
                throw CommandError.usage("\(bad) of \(files.count) file\(files.count == 1 ? "" : "s") refused")
            }
        }
    }

    struct Schema: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The JSON Schema of a kind of file, for editors.")

        @Argument(help: "agent, coordinator, thresholds or contexts.")
        var kind: FileKind

        func run() async throws {
            Console.standard.write(SettingsSchema.json(kind.reference))
        }
    }

    /// Kinds of configuration file.
    enum FileKind: String, CaseIterable, ExpressibleByArgument, Sendable {
        case agent, coordinator, thresholds, contexts

        var reference: KindDescription {
            switch self {
            case .agent: AgentSettings.reference
            case .coordinator: CoordinatorSettings.reference
            case .thresholds: ThresholdSettings.reference
            case .contexts: Contexts.reference
            }
        }
    }
}

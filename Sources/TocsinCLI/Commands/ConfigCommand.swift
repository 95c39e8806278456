import ArgumentParser

/// `tocsin config`.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Configuration files.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check files of every kind: all errors at once, with their places.",
            discussion: "Ends with 2 when any file is refused. Warnings alone are fine.")

        @Argument(help: "Files of kind agent, coordinator, thresholds or contexts.")
        var files: [String]

        @Option(name: [.customShort("o"), .long], help: "How to write the answer: table, json or yaml.")
        var output = OutputFormat.table

        func run() async throws {
            let report = CheckReport(results: files.map(ConfigurationCheck.result))
            Console.standard.write(report.text(output, Console.standard.renderContext()))
            if !report.isFine {
                let bad = report.results.filter { !$0.isFine }.count
                throw CommandError.usage("\(bad) of \(files.count) file\(files.count == 1 ? "" : "s") refused")
            }
        }
    }
}

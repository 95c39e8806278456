import ArgumentParser

/// Options that every command has.
struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The coordinator.", valueName: "host:port"))
    var endpoint: String?

    @Option(help: ArgumentHelp("Which entry of ~/.config/tocsin/config.yaml to use.", valueName: "name"))
    var context: String?

    @Option(name: [.customShort("o"), .long], help: "How to write the answer: table, json or yaml.")
    var output = OutputFormat.table

    @Option(help: ArgumentHelp("PEM file with the client certificate.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("PEM file with the certificate's key.", valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "File with a token of a cluster's account, in place of a certificate.", valueName: "file"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "PEM file with the authority that the coordinator's certificate must come from.", valueName: "file"))
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "Name in the coordinator's certificate, when it is not the endpoint's host.", valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("Time after which an unanswered call is given up.", valueName: "duration"))
    var timeout = DurationArgument(duration: .seconds(10))

    @Flag(help: "No TLS; for a coordinator on a loopback address only.")
    var plaintext = false

    /// Moves these options from before the subcommand to behind it, where the parser wants them:
    /// `tocsin -o json status` becomes `tocsin status -o json`.
    static func hoisted(_ arguments: [String]) -> [String] {
        let withValue: Set = [
            "--endpoint", "--context", "-o", "--output", "--cert", "--key", "--token-file", "--ca", "--server-name",
            "--timeout",
        ]
        var leading: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if withValue.contains(first), rest.count > 1 {
                leading += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if first == "--plaintext" || first.hasPrefix("-o")
                || withValue.contains(where: { $0.hasPrefix("--") && first.hasPrefix($0 + "=") })
            {
                leading.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        guard !leading.isEmpty, !rest.isEmpty else { return arguments }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + leading + Array(rest[end...])
    }
}

/// A duration such as `90s` or `1h30m`.
struct DurationArgument: ExpressibleByArgument, Hashable, Sendable, CustomStringConvertible {
    var duration: Duration

    init(duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument), duration > .zero else { return nil }
        self.duration = duration
    }

    var description: String { DurationText.short(duration) }
    var defaultValueDescription: String { description }
}

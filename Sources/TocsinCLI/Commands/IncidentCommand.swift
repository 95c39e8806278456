import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import TocsinProto

/// `tocsin incident`.
struct IncidentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Incidents: look, take, annotate, resolve.",
        subcommands: [
            List.self, Show.self, Explain.self, Acknowledge.self, Note.self, State.self, Resolve.self,
            MessageCommand.self, ReportCommand.self,
        ])

    struct List: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open incidents, the worst first, or all of them.",
            discussion: "Open ones come before resolved ones, then by level, then the latest first.")

        @Flag(help: "Only open incidents; the default.")
        var open = false

        @Flag(help: "Resolved incidents too.")
        var all = false

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if open, all { throw ValidationError("--open and --all exclude each other") }
        }

        func run() async throws {
            let filter: Tocsin_V1_ListIncidentsRequest.Filter = all ? .all : .open
            let incidents = try await call { client, options in
                try await client.listIncidents(.with { $0.filter = filter }, options: options).incidents.map(
                    IncidentView.init)
            }
            answer(
                IncidentListReport(
                    incidents: incidents.sorted(by: IncidentListReport.precedes), filter: all ? "" : "open"))
        }
    }

    struct Show: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "One incident with its findings, level and timeline.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let id = id.text
            try await answerDetail { client, options in
                try await client.getIncident(.with { $0.id = id }, options: options)
            }
        }
    }

    struct Explain: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Why an incident has its level: the rules, the numbers, what would change it, each change.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let id = id.text
            let detail = try await call { client, options in
                IncidentDetailView(try await client.getIncident(.with { $0.id = id }, options: options))
            }
            answer(ExplanationReport(detail: detail))
        }
    }

    struct Acknowledge: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Take an incident.",
            discussion: "Whoever holds it may take it again, which starts anew the wait before it pages again.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @OptionGroup var expected: ExpectedVersion

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (id, author, version) = (id.text, try author(), expected.version)
            try await answerDetail { client, options in
                try await client.acknowledgeIncident(
                    .with {
                        $0.id = id
                        $0.author = author
                        $0.expectedVersion = version
                    }, options: options)
            }
        }
    }

    struct Note: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "Write a note into an incident's timeline.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @Argument(help: "The note.")
        var text: String

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if text.allSatisfy(\.isWhitespace) { throw ValidationError("the note is empty") }
        }

        func run() async throws {
            let (id, author, text) = (id.text, try author(), text)
            try await answerDetail { client, options in
                try await client.noteIncident(
                    .with {
                        $0.id = id
                        $0.author = author
                        $0.text = text
                    }, options: options)
            }
        }
    }

    struct State: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "Move an incident along its life.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @Argument(help: "investigating, identified or monitoring; `resolve` has a command of its own.")
        var state: SettableState

        @OptionGroup var expected: ExpectedVersion

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (id, author, state, version) = (id.text, try author(), state.rawValue, expected.version)
            try await answerDetail { client, options in
                try await client.setIncidentState(
                    .with {
                        $0.id = id
                        $0.author = author
                        $0.state = state
                        $0.expectedVersion = version
                    }, options: options)
            }
        }
    }

    struct Resolve: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "Close an incident with its cause.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @Option(help: "The cause, in one sentence.")
        var cause: String

        @OptionGroup var expected: ExpectedVersion

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if cause.allSatisfy(\.isWhitespace) { throw ValidationError("the cause is empty") }
        }

        func run() async throws {
            let (id, author, cause, version) = (id.text, try author(), cause, expected.version)
            try await answerDetail { client, options in
                try await client.resolveIncident(
                    .with {
                        $0.id = id
                        $0.author = author
                        $0.cause = cause
                        $0.expectedVersion = version
                    }, options: options)
            }
        }
    }
}

extension CoordinatorCommand {
    /// Writes the incident that a call answers with.
    fileprivate func answerDetail(
        _ body:
            @Sendable @escaping (CoordinatorConnection.Client, CallOptions) async throws ->
            Tocsin_V1_GetIncidentResponse
    ) async throws {
        answer(IncidentReport(detail: IncidentDetailView(try await call(body))))
    }
}

/// An incident's id as people write it: `INC-7`, `inc-7` or `7`.
struct IncidentID: ExpressibleByArgument, Hashable, Sendable {
    /// `INC-7`.
    var text: String

    init?(argument: String) {
        let digits = argument.uppercased().hasPrefix("INC-") ? argument.dropFirst(4) : argument[...]
        guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ ("0"..."9").contains($0) }),
            let number = Int64(digits)
        else {
            return nil
        }
        text = "INC-\(number)"
    }
}

/// What a change may find the incident at.
struct ExpectedVersion: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Change it only if it is still at this version, as `show` printed it; else the change is refused.",
            valueName: "version"))
    var ifVersion: UInt64?

    /// As the coordinator wants it: 0 takes any.
    var version: UInt64 { ifVersion ?? 0 }

    func validate() throws {
        if ifVersion == 0 { throw ValidationError("--if-version starts at 1") }
    }
}

/// States that a person may set by name.
enum SettableState: String, CaseIterable, ExpressibleByArgument, Sendable {
    case investigating
    case identified
    case monitoring
}

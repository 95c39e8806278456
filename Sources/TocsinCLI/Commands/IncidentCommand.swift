import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import TocsinProto

/// `tocsin incident`.
struct IncidentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Incidents: look, take, annotate, resolve.",
        subcommands: [List.self, Show.self, Acknowledge.self, Note.self, State.self, Resolve.self, MessageCommand.self])

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

    struct Acknowledge: CoordinatorCommand {
        static let configuration = CommandConfiguration(commandName: "ack", abstract: "Take an incident.")

        @Argument(help: "The incident: INC-7 or 7.")
        var id: IncidentID

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (id, author) = (id.text, try author())
            try await answerDetail { client, options in
                try await client.acknowledgeIncident(
                    .with {
                        $0.id = id
                        $0.author = author
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

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (id, author, state) = (id.text, try author(), state.rawValue)
            try await answerDetail { client, options in
                try await client.setIncidentState(
                    .with {
                        $0.id = id
                        $0.author = author
                        $0.state = state
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

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if cause.allSatisfy(\.isWhitespace) { throw ValidationError("the cause is empty") }
        }

        func run() async throws {
            let (id, author, cause) = (id.text, try author(), cause)
            try await answerDetail { client, options in
                try await client.resolveIncident(
                    .with {
                        $0.id = id
                        $0.author = author
                        $0.cause = cause
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

/// States that a person may set by name.
enum SettableState: String, CaseIterable, ExpressibleByArgument, Sendable {
    case investigating
    case identified
    case monitoring
}

import ArgumentParser
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// `tocsin workload`.
struct WorkloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workload", abstract: "Signals of workloads, databases, nodes and targets.",
        subcommands: [List.self, Show.self, Log.self])

    struct List: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "All subjects with their first signals now and over the last cells.")

        @Option(help: "Only subjects of this kind: workload, postgresql, node, agent, target or coordinator.")
        var kind: SubjectKind?

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (subjects, omitted) = try await call { client, options in
                let answer = try await client.listSubjects(.init(), options: options)
                return (answer.subjects.map(SubjectView.init), Int(answer.omitted))
            }
            let chosen = subjects.filter { kind == nil || $0.kind == kind?.rawValue }
            answer(SubjectListReport(subjects: chosen, omitted: omitted))
        }
    }

    struct Show: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "All signals of one subject, with who is worst and how they went.")

        @Argument(help: "Its path, such as oddsmaker/Deployment/oddsmaker-control, or the last part of it.")
        var name: String

        @Option(help: "Its cluster, when several have such a subject.")
        var cluster: String?

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (name, cluster) = (name, cluster ?? "")
            let subject = try await call { client, options in
                let request = Tocsin_V1_GetSubjectRequest.with {
                    $0.name = name
                    $0.cluster = cluster
                }
                return SubjectView(try await client.getSubject(request, options: options).subject)
            }
            answer(SubjectReport(subject: subject))
        }
    }

    struct Log: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "The last lines and the new kinds of error that agents found in a subject's logs.",
            discussion: """
                Oldest first, without secrets. Lines are told when a container starts again and when a log has many \
                errors, where agents read logs.
                """)

        @Argument(help: "Its path, such as oddsmaker/Deployment/oddsmaker-control, or the last part of it.")
        var name: String

        @OptionGroup var range: EdgeRange

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let request = range.request(kinds: [.logTail, .logPatternNew]) { $0.subject = name }
            let (edges, isCut) = try await edges(request)
            answer(LogReport(edges: edges, isCut: isCut))
        }
    }

    /// Sorts of subject.
    enum SubjectKind: String, CaseIterable, ExpressibleByArgument, Sendable {
        case workload, postgresql, node, agent, target, coordinator
    }
}

import ArgumentParser
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// `tocsin cluster`.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "What the coordinator saw in its Kubernetes cluster.",
        subcommands: [Events.self, Rollouts.self])

    struct Events: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Events of the namespaces that opted in, also those that the API server has forgotten.")

        @OptionGroup var place: ClusterPlace

        @OptionGroup var range: EdgeRange

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (edges, isCut) = try await edges(range.request(kinds: [.kubernetesEvent]) { place.fill(&$0) })
            answer(ClusterEventReport(edges: edges, isCut: isCut))
        }
    }

    struct Rollouts: CoordinatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "What was rolled out when, over what, and whether it came to its end.")

        @OptionGroup var place: ClusterPlace

        @OptionGroup var range: EdgeRange

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let (edges, isCut) = try await edges(
                range.request(kinds: [.rolloutStarted, .rolloutFinished, .rolloutStuck]) { place.fill(&$0) })
            answer(RolloutReport(edges: edges, isCut: isCut))
        }
    }
}

/// Which part of a cluster is asked for.
struct ClusterPlace: ParsableArguments {
    @Option(name: [.short, .long], help: ArgumentHelp("Only this namespace's.", valueName: "namespace"))
    var namespace: String?

    @Option(help: "Only of this workload, by its path or the last part of it.")
    var subject: String?

    /// Says so in a request.
    func fill(_ request: inout Tocsin_V1_ListEdgesRequest) {
        request.namespace = namespace ?? ""
        request.subject = subject ?? ""
    }
}

/// Which of the stored edges are asked for.
struct EdgeRange: ParsableArguments {
    @Option(help: ArgumentHelp("How far back.", valueName: "duration"))
    var since = DurationArgument(duration: .seconds(86_400))

    @Option(help: "Only of this cluster.")
    var cluster: String?

    @Option(help: "At most so many, the latest.")
    var limit = 100

    func validate() throws {
        if !(1...10_000).contains(limit) { throw ValidationError("--limit \(limit) is not between 1 and 10000") }
    }

    /// The request for some kinds of edge.
    func request(
        kinds: [Edge.Kind], _ fill: (inout Tocsin_V1_ListEdgesRequest) -> Void
    ) -> Tocsin_V1_ListEdgesRequest {
        .with {
            $0.kinds = kinds.map(\.rawValue)
            $0.cluster = cluster ?? ""
            $0.sinceMillis = (Console.now() - since.duration).millis
            $0.limit = UInt32(limit)
            fill(&$0)
        }
    }
}

extension CoordinatorCommand {
    /// The edges of a request, oldest first, and whether there are older ones.
    func edges(_ request: Tocsin_V1_ListEdgesRequest) async throws -> (edges: [EdgeView], isCut: Bool) {
        try await call { client, options in
            let answer = try await client.listEdges(request, options: options)
            return (answer.edges.map(EdgeView.init), answer.isCut)
        }
    }
}

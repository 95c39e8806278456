import GRPCCore
import Incidents
import QueryWire
import SampleStore
import SwiftProtobuf
import Telemetry
import TocsinProto

extension QueryService {
    /// Edges answered when the caller names no number, and at most.
    private static let edgesUsual = 100
    private static let edgesMax = 10_000
    /// Stored edges of the kinds asked for that one call looks at.
    private static let edgesLookedAtMax = 50_000
    /// Before an incident's onset, logs are evidence for so long.
    private static let logsBefore: Duration = .seconds(900)
    /// Pieces of logs shown with an incident.
    private static let logsMax = 20

    func listEdges(
        request: Tocsin_V1_ListEdgesRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListEdgesResponse {
        _ = try user(context, .view)
        guard (1...32).contains(request.kinds.count) else {
            throw QueryError(.invalidArgument, "1 to 32 kinds of edge are to be named")
        }
        let limit = request.limit == 0 ? Self.edgesUsual : Int(request.limit)
        guard limit <= Self.edgesMax else {
            throw QueryError(.invalidArgument, "at most \(Self.edgesMax) edges are answered")
        }
        let found = try await edges(
            of: request.kinds.map { Edge.Kind(rawValue: $0) },
            from: Timestamp(millis: request.sinceMillis), to: now(), limit: limit
        ) { view in
            (request.cluster.isEmpty || view.cluster == request.cluster)
                && (request.namespace.isEmpty || view.edge.labels[LabelName.namespace] == request.namespace)
                && (request.subject.isEmpty || view.isAbout(request.subject))
        }
        return .with {
            $0.edges = found.views.map(\.proto)
            $0.isCut = found.isCut
        }
    }

    /// What the logs of an incident's subject said around it; empty when it cannot be read.
    func logs(of incident: Incident) async -> [EdgeView] {
        let (cluster, path) = (incident.subject.cluster, incident.subject.path)
        let end = incident.resolvedAt ?? now()
        let found = try? await edges(
            of: [.logTail, .logPatternNew], from: incident.onsetAt - Self.logsBefore, to: end, limit: Self.logsMax
        ) { $0.cluster == cluster && $0.subject == path }
        return found?.views ?? []
    }

    private func edges(
        of kinds: [Edge.Kind], from: Timestamp, to: Timestamp, limit: Int,
        where matches: @escaping @Sendable (EdgeView) -> Bool
    ) async throws -> (views: [EdgeView], isCut: Bool) {
        do {
            let found = try await samples.lastEdges(
                of: kinds, from: from, to: to, limit: limit, lookedAtMax: Self.edgesLookedAtMax
            ) { matches(EdgeView($0)) }
            return (found.edges.map(EdgeView.init), found.isCut)
        } catch {
            throw QueryError(.unavailable, "what is stored cannot be read: \(error)")
        }
    }
}

extension EdgeView {
    fileprivate init(_ stored: SampleStore.StoredEdge) {
        let subject = Subject(cluster: stored.cluster, labels: stored.edge.labels)
        self.init(cluster: stored.cluster, node: stored.node, subject: subject?.path, edge: stored.edge)
    }

    /// Whether a name is the path of its subject or the last part of it.
    fileprivate func isAbout(_ name: String) -> Bool {
        subject.map { $0 == name || $0.hasSuffix("/" + name) } ?? false
    }
}

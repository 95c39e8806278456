import CertificateAuthority
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import NIOCore
import NIOSSL
import QueryWire
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// A query service that answers with fixed views over mutual TLS, and takes who asks from the client certificate.
final class FixtureQueryService: Tocsin_V1_Query.SimpleServiceProtocol {
    let calls = Mutex<[String]>([])

    /// The caller of an RPC, which the handshake has verified against the authority.
    static func peer(_ context: ServerContext) throws -> PeerIdentity {
        guard let certificate = (context.transportSpecific as? HTTP2ServerTransport.Posix.Context)?.peerCertificate
        else {
            throw QueryError(.permissionDenied, "no client certificate")
        }
        do {
            return try PeerIdentity(certificate: certificate)
        } catch {
            throw QueryError(.permissionDenied, error.message)
        }
    }

    private func allow(_ role: UserRole, _ context: ServerContext, _ call: String) throws {
        let peer = try Self.peer(context)
        calls.withLock { $0.append("\(call) by \(peer)") }
        guard case .user(let actual, let name) = peer else {
            throw QueryError(.permissionDenied, "\(peer) is not a user")
        }
        guard actual >= role else {
            throw QueryError(.permissionDenied, "\(name) is a \(actual.rawValue), \(role.rawValue) is needed")
        }
    }

    private func detail(_ id: String) throws -> Tocsin_V1_GetIncidentResponse {
        guard id == "INC-7" else { throw QueryError(.notFound, "there is no incident \(id)") }
        return FixtureViews.detail.proto
    }

    func getStatus(request: Tocsin_V1_GetStatusRequest, context: ServerContext) async throws
        -> Tocsin_V1_GetStatusResponse
    {
        try allow(.viewer, context, "status")
        return FixtureViews.status.proto
    }

    func listAgents(request: Tocsin_V1_ListAgentsRequest, context: ServerContext) async throws
        -> Tocsin_V1_ListAgentsResponse
    {
        try allow(.viewer, context, "agents")
        return .with { $0.agents = FixtureViews.agents.map(\.proto) }
    }

    func listTargets(request: Tocsin_V1_ListTargetsRequest, context: ServerContext) async throws
        -> Tocsin_V1_ListTargetsResponse
    {
        try allow(.viewer, context, "targets")
        let targets = FixtureViews.targets.filter { request.node.isEmpty || $0.node == request.node }
        return .with { $0.targets = targets.map(\.proto) }
    }

    func listIncidents(
        request: Tocsin_V1_ListIncidentsRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListIncidentsResponse {
        try allow(.viewer, context, "incidents")
        let all = request.filter == .all
        return .with {
            $0.incidents = (all ? [FixtureViews.incident, FixtureViews.resolved] : [FixtureViews.incident]).map(\.proto)
        }
    }

    func getIncident(request: Tocsin_V1_GetIncidentRequest, context: ServerContext) async throws
        -> Tocsin_V1_GetIncidentResponse
    {
        try allow(.viewer, context, "show \(request.id)")
        return try detail(request.id)
    }

    func acknowledgeIncident(
        request: Tocsin_V1_AcknowledgeIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try allow(.responder, context, "ack \(request.id) as \(request.author)")
        return try detail(request.id)
    }

    func noteIncident(
        request: Tocsin_V1_NoteIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try allow(.responder, context, "note \(request.id) as \(request.author): \(request.text)")
        return try detail(request.id)
    }

    func setIncidentState(
        request: Tocsin_V1_SetIncidentStateRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try allow(.responder, context, "state \(request.id) \(request.state)")
        throw QueryError(.failedPrecondition, "\(request.id) is not in a state that leads to \(request.state)")
    }

    func resolveIncident(
        request: Tocsin_V1_ResolveIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try allow(.responder, context, "resolve \(request.id): \(request.cause)")
        return try detail(request.id)
    }

    func composeMessage(
        request: Tocsin_V1_ComposeMessageRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ComposeMessageResponse {
        let fields = request.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        try allow(
            .responder, context,
            "\(request.send ? "send" : "compose") \(request.kind) of \(request.id): \(fields.joined(separator: " "))")
        return (request.send ? FixtureViews.sentMessage : FixtureViews.message).proto
    }

    func listSilences(
        request: Tocsin_V1_ListSilencesRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListSilencesResponse {
        try allow(.viewer, context, "silences of kind \(request.kind)")
        return .with { $0.silences = FixtureViews.silences.map(\.proto) }
    }

    func addSilence(
        request: Tocsin_V1_AddSilenceRequest, context: ServerContext
    ) async throws -> Tocsin_V1_Silence {
        try allow(
            .responder, context, "add \(request.kind) of \(request.matcher.subject) for \(request.durationMillis)")
        return FixtureViews.silences[0].proto
    }

    func expireSilence(
        request: Tocsin_V1_ExpireSilenceRequest, context: ServerContext
    ) async throws -> Tocsin_V1_Silence {
        try allow(.responder, context, "expire \(request.id)")
        return FixtureViews.silences[0].proto
    }

    func listAudit(
        request: Tocsin_V1_ListAuditRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListAuditResponse {
        try allow(.responder, context, "audit of '\(request.subject)' by '\(request.user)', \(request.limit)")
        return .with { $0.records = FixtureViews.auditRecords.map(\.proto) }
    }

    func replayFindings(
        request: Tocsin_V1_ReplayFindingsRequest, response: RPCWriter<Tocsin_V1_ReplayFindingsResponse>,
        context: ServerContext
    ) async throws {
        try allow(
            .responder, context,
            "replay \(request.toMillis - request.fromMillis) by '\(request.thresholds)' of '\(request.subject)'")
        for replayed in FixtureViews.replayed { try await response.write(.with { $0.findings = [replayed.proto] }) }
        try await response.write(.with { $0.summary = FixtureViews.replaySummary.proto })
    }

    func listEdges(
        request: Tocsin_V1_ListEdgesRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListEdgesResponse {
        let range = "\(request.limit) of '\(request.subject)' in '\(request.namespace)' of '\(request.cluster)'"
        try allow(.viewer, context, "edges \(request.kinds.joined(separator: " ")), \(range)")
        let all = FixtureViews.clusterEvents + FixtureViews.rollouts + FixtureViews.logs
        return .with {
            $0.edges = all.filter { request.kinds.contains($0.edge.kind.rawValue) }.map(\.proto)
            $0.isCut = request.limit == 2
        }
    }

    func listSubjects(
        request: Tocsin_V1_ListSubjectsRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListSubjectsResponse {
        try allow(.viewer, context, "subjects")
        return .with { $0.subjects = FixtureViews.subjects.map(\.proto) }
    }

    func getSubject(
        request: Tocsin_V1_GetSubjectRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetSubjectResponse {
        try allow(.viewer, context, "subject \(request.name) in '\(request.cluster)'")
        guard let subject = FixtureViews.subjects.first(where: { $0.path.hasSuffix(request.name) }) else {
            throw QueryError(.notFound, "nothing is measured of '\(request.name)'")
        }
        return .with { $0.subject = subject.proto }
    }

    func getEffectiveChecks(
        request: Tocsin_V1_GetEffectiveChecksRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetEffectiveChecksResponse {
        try allow(.viewer, context, "checks of \(request.subject)")
        return .with { $0.checks = FixtureViews.effectiveChecks.map(\.proto) }
    }

    func querySamples(
        request: Tocsin_V1_QuerySamplesRequest, response: RPCWriter<Tocsin_V1_QuerySamplesResponse>,
        context: ServerContext
    ) async throws {
        try allow(
            .viewer, context,
            "query \(request.selector) over \(request.toMillis - request.fromMillis) by \(request.stepMillis)")
        for series in FixtureViews.series {
            for part in series.protos { try await response.write(part) }
        }
    }
}

/// Runs the fixed service on a free loopback port.
struct FixtureCoordinator {
    /// Names and addresses of one run.
    struct Running: Sendable {
        var endpoint: String
        var port: Int
        var service: FixtureQueryService
        var tlsVersions: VersionLog
    }

    /// TLS versions of the streams accepted.
    final class VersionLog: Sendable {
        let versions = Mutex<[String]>([])
    }

    /// Starts the server, runs `body`, shuts down in good order.
    static func run<Result: Sendable>(
        directory: CertificateDirectory, _ body: @Sendable (Running) async throws -> Result
    ) async throws -> Result {
        let service = FixtureQueryService()
        let log = VersionLog()
        let security = HTTP2ServerTransport.Posix.TransportSecurity.mTLS(
            certificateChain: [.file(path: directory.certificatePath("coordinator"), format: .pem)],
            privateKey: .file(path: directory.keyPath("coordinator"), format: .pem)
        ) { tls in
            tls.trustRoots = .certificates([.file(path: directory.certificatePath("ca"), format: .pem)])
            tls.requireALPN = true
        }
        let config = HTTP2ServerTransport.Posix.Config.defaults { config in
            config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { stream in
                guard let connection = stream.parent else { return stream.eventLoop.makeSucceededVoidFuture() }
                return connection.nioSSL_tlsVersion().map { version in
                    log.versions.withLock { $0.append(version.map { "\($0)" } ?? "none") }
                }
            }
        }
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: security, config: config)
        return try await withGRPCServer(transport: transport, services: [service]) { server in
            let port = try await server.transport.listeningAddress.ipv4?.port ?? 0
            return try await body(
                Running(endpoint: "127.0.0.1:\(port)", port: port, service: service, tlsVersions: log))
        }
    }
}

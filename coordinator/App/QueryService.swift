import GRPCCore
import IncidentStore
import Incidents
import Logging
import QueryRequests
import QueryWire
import SampleStore
import SwiftProtobuf
import Telemetry
import TocsinProto

/// The query service: what people and their tools ask, each call checked against the caller's role.
struct QueryService: Tocsin_V1_Query.SimpleServiceProtocol {
    let authorization: PeerAuthorization
    let fleet: FleetRegistry
    let pipeline: Pipeline
    let samples: SampleStore
    let replays: ReplayDesk
    let incidents: IncidentStore
    let notifications: NotificationService
    let isArmed: Bool
    let desk: MessageDesk
    let audit: AuditDesk
    let counters: CounterBoard
    let health: StoreHealth
    let version: String
    let startedAt: Timestamp
    let now: @Sendable () -> Timestamp

    func getStatus(request: Tocsin_V1_GetStatusRequest, context: ServerContext) async throws
        -> Tocsin_V1_GetStatusResponse
    {
        _ = try user(context, .view)
        let moment = now()
        let snapshot = pipeline.snapshot
        let counted = counters.snapshot
        var view = StatusView(version: version, now: moment, startedAt: startedAt)
        for agent in fleet.agentViews(now: moment) {
            switch agent.state {
            // Two that share a name are both alive; `agent list` says which name it is.
            case "live", "contended": view.agentsLive += 1
            case "suspect": view.agentsSuspect += 1
            default: view.agentsSilent += 1
            }
            view.series += agent.series
        }
        let targets = fleet.targetViews(node: "")
        view.targets = targets.count
        view.targetsFailing = targets.filter { $0.outcome != nil && $0.outcome != "success" }.count
        view.samplesTotal = counted.samplesStored
        view.duplicateFramesTotal = counted.framesDuplicate
        view.rejectedFramesTotal = counted.framesRejected
        view.lostSamplesTotal = counted.samplesLost
        view.storeBytes = UInt64((try? await samples.sizes())?.usedBytes ?? 0)
        view.storeFault = health.fault.map { StatusView.StoreFault(since: $0.since, reason: $0.reason) }
        view.signals = snapshot.signals
        let open = snapshot.book.openIncidents.sorted { ($1.severity, $0.id) < ($0.severity, $1.id) }
        view.incidentsOpen = open.count
        view.openIncidents = snapshot.book.views(of: open, at: moment)
        view.isEscalationArmed = isArmed
        view.noticesWaiting = notifications.status.waiting
        view.noticesDead = (try? await incidents.outboxCounts())?.dead ?? 0
        view.deadLetters = ((try? await incidents.deadEntries(limit: 10)) ?? []).map { DeadLetterView($0) }
        return view.proto
    }

    func listAgents(request: Tocsin_V1_ListAgentsRequest, context: ServerContext) async throws
        -> Tocsin_V1_ListAgentsResponse
    {
        _ = try user(context, .view)
        return .with { $0.agents = fleet.agentViews(now: now()).map(\.proto) }
    }

    func listTargets(
        request: Tocsin_V1_ListTargetsRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListTargetsResponse {
        _ = try user(context, .view)
        return .with { $0.targets = fleet.targetViews(node: request.node).map(\.proto) }
    }

    func listIncidents(
        request: Tocsin_V1_ListIncidentsRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListIncidentsResponse {
        _ = try user(context, .view)
        let book = pipeline.snapshot.book
        let chosen = request.filter == .all ? Array(book.incidents.values) : book.openIncidents
        return .with { $0.incidents = book.views(of: chosen.sorted { $0.id < $1.id }, at: now()).map(\.proto) }
    }

    func getIncident(
        request: Tocsin_V1_GetIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        _ = try user(context, .view)
        let book = pipeline.snapshot.book
        let incident = try incident(request.id, in: book)
        var view = detail(incident, in: book)
        view.logs = await logs(of: incident)
        return view.proto
    }

    func acknowledgeIncident(
        request: Tocsin_V1_AcknowledgeIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try await audited("AcknowledgeIncident", subject: request.id, claimed: request.author, context) {
            author, call in
            try await perform(
                IncidentCommand(request, by: author), expecting: request.expectedVersion, for: call)
        }
    }

    func noteIncident(
        request: Tocsin_V1_NoteIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try await audited("NoteIncident", subject: request.id, claimed: request.author, context) { author, call in
            try await perform(IncidentCommand(request, by: author), for: call)
        }
    }

    func setIncidentState(
        request: Tocsin_V1_SetIncidentStateRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try await audited("SetIncidentState", subject: request.id, claimed: request.author, context) { author, call in
            try await perform(IncidentCommand(request, by: author), expecting: request.expectedVersion, for: call)
        }
    }

    func resolveIncident(
        request: Tocsin_V1_ResolveIncidentRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        try await audited("ResolveIncident", subject: request.id, claimed: request.author, context) { author, call in
            try await perform(IncidentCommand(request, by: author), expecting: request.expectedVersion, for: call)
        }
    }

    func querySamples(
        request: Tocsin_V1_QuerySamplesRequest, response: RPCWriter<Tocsin_V1_QuerySamplesResponse>,
        context: ServerContext
    ) async throws {
        _ = try user(context, .view)
        try await SamplesAnswer(request: request, samples: samples).run(to: response)
    }

    /// - Parameter version: what the caller saw; 0 takes any.
    func perform(
        _ command: IncidentCommand, expecting version: UInt64 = 0, for call: AuditCall
    ) async throws -> Tocsin_V1_GetIncidentResponse {
        let book = try await outcome(of: .incident(command, version: version == 0 ? nil : version), for: call).book
        guard let incident = book.incidents[command.incident] else {
            throw QueryError(.notFound, "there is no incident \(command.incident)")
        }
        return detail(incident, in: book).proto
    }

    /// Carries out a command, with the refusal's code.
    func outcome(of command: Pipeline.Command, for call: AuditCall) async throws -> Pipeline.Outcome {
        do {
            return try await pipeline.perform(command, for: call)
        } catch .refused(let error) {
            switch error.code {
            case .notFound: throw QueryError(.notFound, error.message)
            case .invalidText: throw QueryError(.invalidArgument, error.message)
            case .tooManyNotes, .tooManySilences: throw QueryError(.resourceExhausted, error.message)
            default: throw QueryError(.failedPrecondition, error.message)
            }
        } catch .notStored(let reason) {
            throw QueryError(.unavailable, "not recorded: \(reason)")
        } catch .stopping {
            throw QueryError(.unavailable, "the coordinator is stopping")
        }
    }

    /// The incident of an id as a caller wrote it.
    func incident(_ text: String, in book: IncidentBook) throws -> Incident {
        let id = try IncidentID(asked: text)
        guard let incident = book.incidents[id] else {
            throw QueryError(.notFound, "there is no incident \(id)")
        }
        return incident
    }

    /// An incident with what escalation has in store for it.
    private func detail(_ incident: Incident, in book: IncidentBook) -> IncidentDetailView {
        let moment = now()
        var view = IncidentDetailView(incident, in: book, at: moment)
        view.add(pipeline.snapshot.escalation, of: incident.id, at: moment)
        return view
    }

    func user(_ context: ServerContext, _ need: PeerAuthorization.Need) throws -> String {
        do {
            return try authorization.user(context, need: need)
        } catch {
            counters.add { $0.requestsDenied += 1 }
            throw error
        }
    }

    /// The certificate's name is the author; what the client claims may only add to it.
    func author(_ claimed: String, _ context: ServerContext) throws -> String {
        let name = try user(context, .respond)
        return claimed.isEmpty || claimed == name ? name : "\(claimed) (as \(name))"
    }
}

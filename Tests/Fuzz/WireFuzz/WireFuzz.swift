import Foundation
import FuzzSupport
import Incidents
import IngestWire
import QueryRequests
import QueryWire
import Selectors
import SwiftProtobuf
import Telemetry
import TocsinProto

/// One input: a message of the ingest stream, of an agent and of the coordinator, and requests of the query service,
/// each made into what the coordinator works with.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzWire(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let data = Data(Fuzz.bytes(start, size))
    let limits = WireLimits.standard
    if let message = try? Tocsin_V1_AgentMessage(serializedBytes: data) {
        switch message.message {
        case .hello(let hello):
            let hello = try? AgentHello(proto: hello, limits: limits)
            Fuzz.canary(hello != nil)
        case .frame(let frame):
            if case .edgeBatch(let batch)? = frame.payload, let edges = try? batch.decoded(limits: limits) {
                precondition(edges.count <= limits.edgesMax)
            }
        case .targetReport(let report):
            if let statuses = try? report.decoded(limits: limits) { precondition(statuses.count <= limits.targetsMax) }
        default: break
        }
    }
    if let message = try? Tocsin_V1_CoordinatorMessage(serializedBytes: data),
        case .targets(let targets)? = message.message
    {
        _ = try? TargetsAnswer(proto: targets, limits: limits)
    }
    fuzzCommands(data)
    fuzzQueries(data)
    return 0
}

/// Requests that change something: what is asked for is decided upon by a book that holds nothing yet.
private func fuzzCommands(_ data: Data) {
    let now = Timestamp(millis: 1_800_000_000_000)
    let book = IncidentBook(severities: SeverityTable(rules: [], checks: []))
    func decide(_ command: IncidentCommand?) {
        guard let command else { return }
        precondition(command.incident.rawValue > 0)
        // There is no incident to be changed.
        precondition((try? book.decide(command, now: now)) == nil, "\(command)")
    }
    if let request = try? Tocsin_V1_AcknowledgeIncidentRequest(serializedBytes: data) {
        decide(try? IncidentCommand(request, by: request.author))
    }
    if let request = try? Tocsin_V1_NoteIncidentRequest(serializedBytes: data) {
        decide(try? IncidentCommand(request, by: request.author))
    }
    if let request = try? Tocsin_V1_SetIncidentStateRequest(serializedBytes: data) {
        decide(try? IncidentCommand(request, by: request.author))
    }
    if let request = try? Tocsin_V1_ResolveIncidentRequest(serializedBytes: data) {
        decide(try? IncidentCommand(request, by: request.author))
    }
    if let request = try? Tocsin_V1_ExpireSilenceRequest(serializedBytes: data),
        let command = try? SilenceCommand(request, by: request.author)
    {
        precondition((try? book.decide(command, now: now)) == nil, "\(command)")
    }
    if let request = try? Tocsin_V1_AddSilenceRequest(serializedBytes: data),
        let wanted = try? Silence.Request(request, by: request.author, now: now),
        let drafts = try? book.decide(.add(wanted), now: now)
    {
        precondition(!drafts.isEmpty && wanted.startsAt < wanted.endsAt, "\(wanted)")
        var changed = book
        for event in book.number(drafts) { changed.apply(event) }
        precondition(changed.silenceList.count == 1, "\(wanted)")
    }
}

/// Requests that look: their selectors, and what the ranges come to.
private func fuzzQueries(_ data: Data) {
    guard let request = try? Tocsin_V1_QuerySamplesRequest(serializedBytes: data) else { return }
    let (from, to) = (Timestamp(millis: request.fromMillis), Timestamp(millis: request.toMillis))
    precondition((from <= to) == (to - from >= .zero))
    _ = from - .milliseconds(Int64(clamping: request.stepMillis))
    if let selector = try? SeriesSelector(request.selector) {
        precondition(selector.matchers.count <= SeriesSelector.matchersMax)
    }
}

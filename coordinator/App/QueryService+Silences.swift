import Detection
import GRPCCore
import Incidents
import QueryRequests
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// Silences and maintenance windows.
extension QueryService {
    func listSilences(
        request: Tocsin_V1_ListSilencesRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListSilencesResponse {
        _ = try user(context, .view)
        let moment = now()
        let wanted = try request.kind.isEmpty ? nil : Silence.Kind(asked: request.kind)
        let silences = pipeline.snapshot.book.silenceList.filter {
            (request.all || $0.endsAt > moment) && (wanted == nil || $0.kind == wanted)
        }
        return .with {
            $0.silences = silences.map { SilenceView($0).proto }
            $0.nowMillis = moment.millis
        }
    }

    func addSilence(
        request: Tocsin_V1_AddSilenceRequest, context: ServerContext
    ) async throws -> Tocsin_V1_Silence {
        try await audited("AddSilence", subject: "", claimed: request.author, context) { author, call in
            try await perform(.add(Silence.Request(request, by: author, now: now())), for: call)
        }
    }

    func expireSilence(
        request: Tocsin_V1_ExpireSilenceRequest, context: ServerContext
    ) async throws -> Tocsin_V1_Silence {
        try await audited("ExpireSilence", subject: request.id, claimed: request.author, context) { author, call in
            try await perform(SilenceCommand(request, by: author), for: call)
        }
    }

    /// Carries out a command and answers with the silence that it was about.
    private func perform(_ command: SilenceCommand, for call: AuditCall) async throws -> Tocsin_V1_Silence {
        let outcome = try await outcome(of: .silence(command), for: call)
        let ids = outcome.events.compactMap { event -> SilenceID? in
            switch event.kind {
            case .silenceAdded(let silence): silence.id
            case .silenceExpired(let id, _): id
            default: nil
            }
        }
        guard let silence = ids.first.flatMap({ outcome.book.silences[$0] }) else {
            throw QueryError(.notFound, "the silence is not there")
        }
        return SilenceView(silence).proto
    }
}

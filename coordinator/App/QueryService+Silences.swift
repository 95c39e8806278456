import Detection
import GRPCCore
import Incidents
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
        let wanted = try request.kind.isEmpty ? nil : kind(request.kind)
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
            let starts = request.hasStartsAtMillis ? Timestamp(millis: request.startsAtMillis) : now()
            let wanted = Silence.Request(
                try kind(request.kind), try matcher(request.matcher), by: author, because: request.reason,
                startsAt: starts, endsAt: starts + .milliseconds(Int64(clamping: request.durationMillis)))
            return try await perform(.add(wanted), for: call)
        }
    }

    func expireSilence(
        request: Tocsin_V1_ExpireSilenceRequest, context: ServerContext
    ) async throws -> Tocsin_V1_Silence {
        try await audited("ExpireSilence", subject: request.id, claimed: request.author, context) { author, call in
            guard let id = SilenceID(request.id) else {
                throw QueryError(.invalidArgument, "'\(request.id)' is no silence id; ids look like SIL-3")
            }
            return try await perform(.expire(id, by: author), for: call)
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

    private func kind(_ text: String) throws -> Silence.Kind {
        guard let kind = Silence.Kind(rawValue: text) else {
            throw QueryError(.invalidArgument, "'\(text)' is neither silence nor maintenance")
        }
        return kind
    }

    private func matcher(_ proto: Tocsin_V1_SilenceMatcher) throws -> SilenceMatcher {
        var matcher = SilenceMatcher()
        matcher.cluster = proto.cluster.isEmpty ? nil : proto.cluster
        matcher.subject = proto.subject.isEmpty ? nil : proto.subject
        matcher.checkGroup = proto.checkGroup.isEmpty ? nil : proto.checkGroup
        if !proto.family.isEmpty {
            guard let family = Family(rawValue: proto.family) else {
                let names = Family.allCases.map(\.rawValue).joined(separator: ", ")
                throw QueryError(.invalidArgument, "there is no family '\(proto.family)'; the families are \(names)")
            }
            matcher.family = family
        }
        if !proto.severityAtMost.isEmpty {
            guard let severity = Severity(proto.severityAtMost) else {
                throw QueryError(.invalidArgument, "'\(proto.severityAtMost)' is no severity; they are P1 to P4")
            }
            matcher.severityAtMost = severity
        }
        return matcher
    }
}

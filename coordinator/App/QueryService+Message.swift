import GRPCCore
import Incidents
import Messages
import QueryWire
import Runbook
import SwiftProtobuf
import Telemetry
import TocsinProto

/// Fills the runbook's templates, checks what is meant for customers, and sends.
struct MessageDesk: Sendable {
    let templates: MessageTemplates

    /// A message, ready to be read or sent.
    struct Draft: Sendable {
        var kind: SentMessage.Kind
        var text: String
        var nextUpdateAt: Timestamp?
        var problems: [MessageLinter.Problem]
    }

    /// Fills the template of a kind; throws for an unknown kind or field.
    func compose(
        _ request: Tocsin_V1_ComposeMessageRequest, of incident: Incident,
        policy: EscalationPolicy,
        beside surroundings: MessageFacts.Surroundings,
        at now: Timestamp
    ) throws -> Draft {
        guard let kind = SentMessage.Kind(rawValue: request.kind) else {
            throw QueryError(.invalidArgument, "there is no message '\(request.kind)'; there are \(Self.kinds)")
        }
        var given: [MessageFacts.Field: String] = [:]
        for (name, value) in request.fields {
            guard let field = MessageFacts.Field(rawValue: name) else {
                throw QueryError(.invalidArgument, "a message has no field '\(name)'")
            }
            given[field] = value
        }
        let facts = MessageFacts(
            kind, of: incident, given: given, policy: policy, surroundings: surroundings, at: now)
        let text = templates.render(facts)
        var draft = Draft(kind: kind, text: text, nextUpdateAt: facts.nextUpdateAt, problems: [])
        if kind == .customer {
            let linter = MessageLinter(
                innerNames: MessageFacts.innerNames(of: incident), isCauseProven: incident.cause != nil)
            draft.problems = linter.problems(in: text)
        }
        return draft
    }

    private static var kinds: String { SentMessage.Kind.allCases.map(\.rawValue).joined(separator: ", ") }
}

extension QueryService {
    func composeMessage(
        request: Tocsin_V1_ComposeMessageRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ComposeMessageResponse {
        guard request.send else {
            _ = try author(request.author, context)
            return view(try draft(request).draft).proto
        }
        return try await audited("ComposeMessage", subject: request.id, claimed: request.author, context) {
            author, call in
            let (incident, draft) = try draft(request)
            var view = view(draft)
            if draft.problems.isEmpty {
                _ = try await perform(
                    .sendMessage(
                        incident.id, by: author, kind: draft.kind, text: draft.text, nextUpdateAt: draft.nextUpdateAt),
                    for: call)
                view.isSent = true
            }
            return view.proto
        }
    }

    private func draft(
        _ request: Tocsin_V1_ComposeMessageRequest
    ) throws -> (incident: Incident, draft: MessageDesk.Draft) {
        let (snapshot, moment) = (pipeline.snapshot, now())
        let incident = try incident(request.id, in: snapshot.book)
        let surroundings = MessageFacts.Surroundings(
            checklist: snapshot.escalation.checklist(of: incident.id, at: moment),
            consequences: snapshot.book.consequences[incident.id] ?? [])
        let draft = try desk.compose(
            request, of: incident, policy: snapshot.escalation.policy, beside: surroundings, at: moment)
        return (incident, draft)
    }

    private func view(_ draft: MessageDesk.Draft) -> MessageView {
        var view = MessageView(text: draft.text, nextUpdateAt: draft.nextUpdateAt)
        view.problems = draft.problems.map { MessageView.Problem(words: $0.words, reason: $0.reason) }
        return view
    }
}

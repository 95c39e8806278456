import CertificateAuthority
import Detection
import Foundation
import GRPCCore
import IncidentStore
import Incidents
import Logging
import QueryWire
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// Who makes a call that changes something, and from where.
struct AuditCall: Sendable {
    var user: String
    var role: String
    var peer: String
    var call: String
    /// What it is about as far as the caller said: "INC-7".
    var subject: String

    /// A record of what came of the call.
    func record(
        _ outcome: AuditRecord.Outcome, at now: Timestamp, reason: String = "", subject: String? = nil,
        before: String = "", after: String = ""
    ) -> AuditRecord {
        AuditRecord(
            at: now, user: user, role: role, peer: peer, call: call, subject: subject ?? self.subject,
            outcome: outcome, reason: reason, before: before, after: after)
    }
}

/// Writes the attempts that changed nothing into the audit log; those that did are written with their events.
///
/// Everybody with a certificate can be refused as often as they like, so the records of refusals are bounded: beyond
/// `refusalsPerMinute` they are counted alone.
final class AuditDesk: Sendable {
    /// Records of refusals a minute, of all callers together.
    static let refusalsPerMinute = 60

    private struct Minute {
        var number: Int64 = 0
        var count = 0
    }

    private let incidents: IncidentStore
    private let counters: CounterBoard
    private let logger: Logger
    private let minute = Mutex(Minute())

    init(incidents: IncidentStore, counters: CounterBoard, logger: Logger) {
        self.incidents = incidents
        self.counters = counters
        self.logger = logger
    }

    /// Notes an attempt that had no effect; a store that refuses keeps nobody's answer back.
    func note(_ record: AuditRecord) async {
        let isWithin = minute.withLock { minute in
            let number = record.at.millis / 60_000
            if number != minute.number { minute = Minute(number: number) }
            minute.count += 1
            return minute.count <= Self.refusalsPerMinute
        }
        guard isWithin else {
            counters.add { $0.auditRecordsDropped += 1 }
            return
        }
        do {
            try await incidents.append(audit: record)
        } catch {
            counters.add { $0.auditRecordsDropped += 1 }
            logger.error(
                "an audit record was not stored", metadata: ["call": "\(record.call)", "reason": "\(error)"])
        }
    }
}

extension QueryService {
    /// Carries out a call that changes something, and sees to its audit record.
    ///
    /// - Parameter body: what to do for an author whose role suffices; it hands the `AuditCall` to the pipeline, which
    ///   stores the record with the events.
    func audited<Answer: Sendable>(
        _ name: String, subject: String, claimed: String, _ context: ServerContext,
        _ body: (_ author: String, _ call: AuditCall) async throws -> Answer
    ) async throws -> Answer {
        let (user, role) = authorization.label(context)
        let call = AuditCall(user: user, role: role, peer: context.remotePeer, call: name, subject: subject)
        do {
            return try await body(try author(claimed, context), call)
        } catch let error as QueryError {
            let outcome: AuditRecord.Outcome =
                switch error.code {
                case .permissionDenied: .denied
                case .unavailable: .failed
                default: .refused
                }
            await audit.note(call.record(outcome, at: now(), reason: error.message))
            throw error
        }
    }

    func listAudit(
        request: Tocsin_V1_ListAuditRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListAuditResponse {
        _ = try user(context, .respond)
        let query = IncidentStore.AuditQuery(
            since: request.sinceMillis == 0 ? nil : Timestamp(millis: request.sinceMillis),
            user: request.user.isEmpty ? nil : request.user, subject: request.subject.isEmpty ? nil : request.subject,
            limit: request.limit == 0 ? 100 : Int(min(request.limit, 10_000)))
        let answer: (records: [StoredAuditRecord], unreadable: Int)
        do {
            answer = try await incidents.auditRecords(query)
        } catch {
            throw QueryError(.unavailable, "the audit log cannot be read: \(error)")
        }
        return .with {
            $0.records = answer.records.map { AuditRecordView($0).proto }
            $0.unreadable = UInt64(answer.unreadable)
        }
    }
}

extension AuditRecordView {
    /// What is stored, as people see it.
    init(_ stored: StoredAuditRecord) {
        self.init(sequence: stored.sequence, at: stored.record.at)
        func text(_ text: String) -> String? { text.isEmpty ? nil : text }
        let record = stored.record
        user = record.user
        role = record.role
        peer = record.peer
        call = record.call
        subject = text(record.subject)
        outcome = record.outcome.rawValue
        reason = text(record.reason)
        before = text(record.before)
        after = text(record.after)
        isIntact = stored.isIntact
    }
}

extension Pipeline.Command {
    /// What the command changes, in a few words, in this state of the book; empty when it is not there.
    func subjectSummary(in book: IncidentBook, after events: [IncidentEvent] = []) -> String {
        switch self {
        case .incident(let command, _): book.incidents[command.incident].map(Self.summary) ?? ""
        case .silence: Self.silence(of: self, events).flatMap { book.silences[$0] }.map(Self.summary) ?? ""
        }
    }

    /// "INC-7" or "SIL-3".
    func subjectName(after events: [IncidentEvent]) -> String {
        switch self {
        case .incident(let command, _): "\(command.incident)"
        case .silence: Self.silence(of: self, events).map { "\($0)" } ?? ""
        }
    }

    private static func silence(of command: Pipeline.Command, _ events: [IncidentEvent]) -> SilenceID? {
        if case .silence(.expire(let id, _)) = command { return id }
        for event in events {
            if case .silenceAdded(let silence) = event.kind { return silence.id }
        }
        return nil
    }

    private static func summary(_ incident: Incident) -> String {
        var text = "\(incident.state.rawValue) \(incident.severity) version \(incident.version)"
        if let by = incident.acknowledgedBy { text += ", held by \(by)" }
        if let cause = incident.cause { text += ", cause: \(cause)" }
        if incident.notes > 0 { text += ", \(incident.notes) notes" }
        return text
    }

    private static func summary(_ silence: Silence) -> String {
        let matcher = silence.matcher
        let patterns = [
            ("cluster", matcher.cluster), ("subject", matcher.subject), ("group", matcher.checkGroup),
            ("family", matcher.family?.rawValue), ("level", matcher.severityAtMost.map { "\($0)" }),
        ].compactMap { name, value in value.map { "\(name)=\($0)" } }
        let until = Date(timeIntervalSince1970: silence.endsAt.seconds).formatted(.iso8601)
        return "\(silence.kind.rawValue) \(patterns.joined(separator: " ")) until \(until)"
    }
}

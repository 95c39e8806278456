import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// One attempt to change something as people see it.
package struct AuditRecordView: Hashable, Sendable, Codable {
    /// Rises by one from record to record.
    package var sequence: UInt64
    /// When it was decided.
    package var at: Timestamp
    /// Name of the certificate.
    package var user = ""
    /// Role of the certificate.
    package var role = ""
    /// Where the call came from, such as "ipv4:10.0.0.7:51312".
    package var peer = ""
    /// The call's name.
    package var call = ""
    /// "INC-7", "SIL-3"; nil when it was not known yet.
    package var subject: String?
    /// "done", "refused", "denied" or "failed".
    package var outcome = ""
    /// Why not; nil when it was done.
    package var reason: String?
    /// The subject before; nil when there was none.
    package var before: String?
    /// The subject after; nil when nothing changed.
    package var after: String?
    /// False when the stored row is not what was written.
    package var isIntact = true

    /// Makes a record without content.
    package init(sequence: UInt64, at: Timestamp) {
        self.sequence = sequence
        self.at = at
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_AuditRecord) {
        self.init(sequence: proto.sequence, at: Timestamp(millis: proto.atMillis))
        user = proto.user
        role = proto.role
        peer = proto.peer
        call = proto.call
        subject = proto.subject.nilWhenEmpty
        outcome = proto.outcome
        reason = proto.reason.nilWhenEmpty
        before = proto.before.nilWhenEmpty
        after = proto.after.nilWhenEmpty
        isIntact = proto.intact
    }

    /// The message.
    package var proto: Tocsin_V1_AuditRecord {
        .with {
            $0.sequence = sequence
            $0.atMillis = at.millis
            $0.user = user
            $0.role = role
            $0.peer = peer
            $0.call = call
            $0.subject = subject ?? ""
            $0.outcome = outcome
            $0.reason = reason ?? ""
            $0.before = before ?? ""
            $0.after = after ?? ""
            $0.intact = isIntact
        }
    }
}

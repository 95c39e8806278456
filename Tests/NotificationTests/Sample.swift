import Foundation
import Incidents
import Notification
import Runbook
import Telemetry

/// Notices to send.
enum Sample {
    static let at = Timestamp(millis: 1_764_292_800_000)

    static func notice(
        _ key: String = "INC-7/1/1/0", _ purpose: Notice.Purpose = .page, severity: Severity = .p1, text: String? = nil
    ) -> Notice {
        Notice(
            key: key, incident: IncidentID(rawValue: 7), episodeKey: "INC-7/1", purpose: purpose, severity: severity,
            title: "High error rate", cluster: "alpha", subject: "shop/Deployment/cart",
            text: text ?? "P1 High error rate <&>\nPaged On-call Engineer: opened at P1.", openedAt: at, at: at,
            roles: ["On-call Engineer"])
    }

    static func send(_ notices: [Notice], recipients: [String] = [], key: String? = nil) -> OutboxMachine.Send {
        let entries = notices.map { OutboxEntry($0, channel: "test", recipients: recipients, at: at) }
        return OutboxMachine.Send(
            channel: "test", key: key ?? notices[0].key, entries: entries, isNewDigest: false)
    }

    static func secret(_ value: String) -> Secret { { () throws(SecretProblem) -> String in value } }

    /// The object in a body.
    static func object(_ bytes: [UInt8]) throws -> [String: Any] {
        (try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]) ?? [:]
    }
}

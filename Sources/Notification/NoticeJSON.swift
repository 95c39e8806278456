import Incidents
import Runbook
import Telemetry

/// The documented JSON of notices, for webhooks and files: `docs/operations.md`.
struct NoticeJSON: Encodable {
    var key: String
    var digest: Bool
    var headline: String
    var text: String
    var notices: [Item]

    struct Item: Encodable {
        var key: String
        var incident: String
        var episode: String
        var purpose: String
        var severity: String
        var title: String
        var cluster: String
        var subject: String
        var text: String
        var roles: [String]
        var openedAt: String
        var at: String
    }

    init(_ send: OutboxMachine.Send) {
        key = send.key
        digest = send.entries.count > 1
        headline = NoticeText.headline(send)
        text = NoticeText.body(send)
        notices = send.entries.map { entry in
            let notice = entry.notice
            return Item(
                key: notice.key, incident: notice.incident.description, episode: notice.episodeKey,
                purpose: notice.purpose.rawValue, severity: notice.severity.description, title: notice.title,
                cluster: notice.cluster, subject: notice.subject, text: notice.text, roles: notice.roles,
                openedAt: JSONText.time(notice.openedAt), at: JSONText.time(notice.at))
        }
    }
}

import Incidents
import Runbook

/// The words that channels for people share.
enum NoticeText {
    /// One line: the subject of a mail, the summary of an alert.
    static func headline(_ send: OutboxMachine.Send) -> String {
        guard send.entries.count > 1 else { return send.entries.first.map { headline($0.notice) } ?? "" }
        let worst = send.entries.map(\.notice.severity).max().map { "\($0)" } ?? ""
        return "[\(worst)] \(send.entries.count) notices: \(names(send))"
    }

    /// The whole text; of a digest one line a notice.
    static func body(_ send: OutboxMachine.Send) -> String {
        guard send.entries.count > 1 else { return send.entries.first?.notice.text ?? "" }
        let lines = send.entries.map { "- \(headline($0.notice)): \($0.notice.subject) in \($0.notice.cluster)" }
        return (["\(send.entries.count) notices that waited together:"] + lines).joined(separator: "\n")
    }

    private static func headline(_ notice: Notice) -> String {
        switch notice.purpose {
        case .page: "[\(notice.severity)] \(notice.incident) \(notice.title)"
        case .acknowledged: "[acknowledged] \(notice.incident) \(notice.title)"
        case .resolved: "[resolved] \(notice.incident) \(notice.title)"
        case .message: notice.title
        }
    }

    /// The incidents of a digest, each once; at most five by name.
    private static func names(_ send: OutboxMachine.Send) -> String {
        var seen: [String] = []
        for name in send.entries.map({ $0.notice.incident.description }) where !seen.contains(name) {
            seen.append(name)
        }
        let rest = seen.count - 5
        return seen.prefix(5).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

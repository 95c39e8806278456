import QueryWire
import Telemetry

/// What is to come for an incident, and what the runbook wants done: parts of `tocsin incident show`.
struct ResponseReport {
    var detail: IncidentDetailView

    /// The keys of JSON.
    var entries: [OutputValue.Entry] {
        let pages = detail.escalation.map { page -> OutputValue in
            [
                "key": .string(page.key), "reason": .string(page.reason), "severity": .string(page.severity),
                "step": .count(page.step), "roles": .array(page.roles.map { .string($0) }), "dueAt": .time(page.dueAt),
            ]
        }
        let checklist = detail.checklist.map { item -> OutputValue in
            [
                "step": .string(item.step), "title": .string(item.title), "listMinutes": .count(item.listMinutes),
                "dueAt": .time(item.dueAt), "doneAt": .time(item.doneAt), "evidence": .text(item.evidence),
                "late": .bool(item.isLate),
            ]
        }
        return [
            .init(key: "respondBy", value: .time(detail.respondBy)), .init(key: "escalation", value: .array(pages)),
            .init(key: "checklist", value: .array(checklist)),
        ]
    }

    /// The pages that come unless something happens.
    func pages(_ context: RenderContext) -> String {
        detail.escalation.map { page in
            let whom = page.roles.isEmpty ? "no further step" : page.roles.joined(separator: ", ")
            let due = TimeText.local(page.dueAt, now: context.now, zone: context.zone)
            let words = Self.words[page.reason] ?? page.reason
            return "  \(due)  \(Printable.line(whom))  \(Printable.line(words))\n"
        }.joined()
    }

    /// The runbook's two lists.
    func checklist(_ context: RenderContext) -> String {
        var text = ""
        for minutes in [5, 15] {
            let items = detail.checklist.filter { $0.listMinutes == minutes }
            if items.isEmpty { continue }
            text += "  First \(minutes) minutes\n"
            for item in items { text += line(item, context) }
        }
        return text
    }

    private func line(_ item: ChecklistView, _ context: RenderContext) -> String {
        let late = item.isLate ? context.styled(" late", .red) : ""
        let time = TimeText.local(item.doneAt ?? item.dueAt, now: context.now, zone: context.zone)
        guard item.doneAt != nil else {
            return "    [ ] \(Printable.line(item.title)) (until \(time))\(late)\n"
        }
        return "    [x] \(Printable.line(item.title)) at \(time): \(Printable.line(item.evidence ?? ""))\(late)\n"
    }

    private static let words = [
        "opened": "first call", "raised": "call at the higher level", "escalated": "if nobody acknowledges",
        "retriggered": "if nothing is heard", "promiseMissed": "if the promised update does not come",
        "resolved": "word that it is over",
    ]

    /// A dead letter in JSON.
    static func value(of letter: DeadLetterView) -> OutputValue {
        [
            "key": .string(letter.key), "channel": .string(letter.channel), "incident": .string(letter.incident),
            "title": .string(letter.title), "reason": .string(letter.reason), "attempts": .count(letter.attempts),
            "createdAt": .time(letter.createdAt), "givenUpAt": .time(letter.givenUpAt),
        ]
    }

    /// Dead letters as lines.
    static func deadLetters(_ letters: [DeadLetterView], _ context: RenderContext) -> String {
        letters.map { letter in
            let time = TimeText.local(letter.givenUpAt, now: context.now, zone: context.zone)
            let what = [letter.channel, letter.key, letter.title].map { Printable.line($0) }.joined(separator: "  ")
            return "  \(time)  \(what): \(Printable.line(letter.reason))\n"
        }.joined()
    }
}

import Detection
import Incidents
import Signals
import Telemetry

/// What the post-incident report is filled with: the incident's own events, each with its number in the log.
///
/// What no event says is left out, and the template leaves a marked blank for it.
struct ReportFacts {
    /// Lines of each list of a report; what is beyond is counted, and `tocsin incident show` has it.
    enum Limit {
        /// Events; the least telling go first, then those in the middle.
        static let timeline = 100
        /// Changes of the level; those in the middle go first.
        static let levels = 24
        /// Workloads, and consequences.
        static let names = 24
        /// Messages; those in the middle go first.
        static let messages = 16
        /// People who acknowledged.
        static let acknowledgements = 8
        /// Characters of one text; the rest is cut off.
        static let characters = 240
    }

    /// The names that `values` may have.
    static let names = TemplateNames(
        texts: [
            "cluster", "date", "firstSignAt", "detectedAt", "investigatedAt", "identifiedAt", "fixedAt", "resolvedAt",
            "detectionDelay", "acknowledgements", "worstSeverity", "episode", "preliminary", "cause", "causeBy", "root",
            "eventsOmitted", "levelsOmitted", "workloadsOmitted", "messagesOmitted", "opening",
        ],
        rows: [
            "timeline": ["time", "author", "text", "sequence"], "levels": ["time", "level", "reason", "rule"],
            "workloads": ["path"], "consequences": ["id", "title", "subject", "level", "status"],
            "messages": ["time", "author", "text", "sequence"], "checklist": ["minutes", "step", "status"],
            "figures": ["name", "value", "source"], "queries": ["title", "text"],
        ])

    let incident: Incident
    let surroundings: MessageFacts.Surroundings
    let now: Timestamp

    /// Names and values beside those of every message.
    var values: [String: TemplateValue] {
        var values = texts.compactMapValues { $0 }.mapValues { TemplateValue.text($0) }
        add("timeline", timeline, "eventsOmitted", eventsOmitted, to: &values)
        let (levels, levelsOmitted) = Self.shortened(incident.ledger.map(row), to: Limit.levels)
        add("levels", levels, "levelsOmitted", levelsOmitted, to: &values)
        let sent = incident.timeline.filter { $0.kind == "message_sent" }.map(row)
        let (messages, messagesOmitted) = Self.shortened(sent, to: Limit.messages)
        add("messages", messages, "messagesOmitted", messagesOmitted, to: &values)
        let workloads = incident.course.impacted.prefix(Limit.names).map { ["path": $0] }
        let workloadsOmitted = incident.course.impacted.count - workloads.count + incident.course.impactedOmitted
        add("workloads", workloads, "workloadsOmitted", workloadsOmitted, to: &values)
        add("consequences", surroundings.consequences.prefix(Limit.names).map(Self.row), to: &values)
        add("checklist", surroundings.checklist.map(row), to: &values)
        add("figures", figures, to: &values)
        add("queries", queries.map { ["title": $0.title, "text": $0.text] }, to: &values)
        return values
    }

    // MARK: - Texts

    private var texts: [String: String?] {
        let course = incident.course
        let opening = course.opening.map { Self.line($0.finding.explanation) }
        let identified = course.reached[.identified]
        return [
            "cluster": incident.subject.cluster, "date": FigureText.day(incident.openedAt),
            "duration": duration, "firstSignAt": time(incident.onsetAt),
            "detectedAt": moment(incident.openedAt, course.sequence),
            "investigatedAt": moment(course.reached[.investigating]), "identifiedAt": moment(identified),
            "fixedAt": moment(course.reached[.monitoring]), "resolvedAt": moment(course.reached[.resolved]),
            "detectionDelay": FigureText.duration(incident.openedAt - incident.onsetAt),
            "acknowledgements": acknowledgements,
            "worstSeverity": course.worst.flatMap { $0 > incident.severity ? "\($0)" : nil },
            "episode": incident.episode > 1 ? "\(incident.episode)" : nil,
            "preliminary": incident.isOpen ? incident.state.rawValue : nil,
            "cause": incident.cause.map { Self.line($0, max: IncidentCommand.textCharactersMax) },
            "causeBy": incident.cause == nil ? nil : incident.resolvedBy?.description,
            "root": incident.root.map { "\($0): \(Self.line(incident.rootReasons.joined(separator: "; ")))" },
            "opening": opening, "impact": opening ?? incident.title,
        ]
    }

    private var duration: String {
        let end = incident.resolvedAt ?? now
        let length = FigureText.duration(end - incident.openedAt)
        return "\(length), from \(time(incident.openedAt)) to \(incident.isOpen ? "now" : time(end))"
    }

    /// Who acknowledged this episode, and how long after it was opened; nil when nobody did.
    private var acknowledgements: String? {
        let all = incident.timeline.filter { $0.kind == "acknowledged" && $0.sequence > incident.course.sequence }
        let texts = all.prefix(Limit.acknowledgements).map { entry in
            let after = FigureText.duration(entry.at - incident.openedAt)
            return "\(Self.line(entry.author)) at \(time(entry.at)), after \(after) [#\(entry.sequence)]"
        }
        guard !texts.isEmpty else { return nil }
        let more = all.count - texts.count
        return texts.joined(separator: "; ") + (more > 0 ? "; and \(more) times more" : "")
    }

    private func moment(_ moment: EpisodeCourse.Moment?) -> String? {
        moment.map { self.moment($0.at, $0.sequence, by: $0.by) }
    }

    private func moment(_ at: Timestamp, _ sequence: UInt64, by author: String? = nil) -> String {
        "\(time(at)) [#\(sequence)\(author.map { ", \(Self.line($0))" } ?? "")]"
    }

    // MARK: - Rows

    /// Events that say least to a reader, those to be left out first: what they say is in the other lists, too.
    private static let leastTelling = ["delivered", "finding_updated", "impact_changed", "paged"]

    private var timeline: [[String: String]] { keptEvents.map(row) }

    private var eventsOmitted: Int { incident.timelineDropped + incident.timeline.count - keptEvents.count }

    private var keptEvents: [TimelineEntry] {
        var kept = incident.timeline
        for kind in Self.leastTelling where kept.count > Limit.timeline { kept.removeAll { $0.kind == kind } }
        return Self.shortened(kept, to: Limit.timeline).kept
    }

    private func row(_ entry: TimelineEntry) -> [String: String] {
        [
            "time": time(entry.at), "author": Self.line(entry.author), "text": Self.line(entry.text),
            "sequence": "\(entry.sequence)",
        ]
    }

    private func row(_ entry: LedgerEntry) -> [String: String] {
        let before = entry.previous.map { " (was \($0)\(entry.cause.map { "; \($0)" } ?? ""))" } ?? ""
        return [
            "time": time(entry.at), "level": entry.severity.description,
            "reason": Self.line(entry.sentence + before), "rule": entry.rule,
        ]
    }

    private static func row(_ incident: Incident) -> [String: String] {
        [
            "id": incident.id.description, "title": line(incident.title), "subject": incident.subject.path,
            "level": incident.severity.description, "status": incident.state.rawValue,
        ]
    }

    private func row(_ item: ChecklistItem) -> [String: String] {
        let status: String
        switch (item.doneAt, item.isLate) {
        case (let done?, let isLate):
            status = "\(isLate ? "late" : "met") at \(time(done)), due \(time(item.dueAt)): \(item.evidence ?? "")"
        case (nil, true): status = "not done, was due \(time(item.dueAt))"
        case (nil, false): status = "not done, not due before \(time(item.dueAt))"
        }
        return [
            "minutes": "\(item.step.listMinutes)", "step": item.step.title, "status": Self.line(status),
        ]
    }

    /// The numbers that the opening finding was judged by, each with where `tocsin query` finds it.
    private var figures: [[String: String]] {
        guard let opening = incident.course.opening else { return [] }
        return (opening.assessment.reasoning?.figures ?? []).map { figure in
            var row = ["name": figure.name, "value": figure.text]
            row["source"] = figure.source.map { "`\($0.selector)` at \(time($0.at))" }
            return row
        }
    }

    /// The runbook's looks into the audit table, for the security family.
    private var queries: [AuditQuery] {
        AuditQuery.queries(
            for: incident.findings.map { ($0.finding.check, $0.finding.contributors.map(\.contributor)) })
    }

    // MARK: - Forms

    private func time(_ timestamp: Timestamp) -> String { FigureText.time(timestamp, day: incident.openedAt) }

    /// A list without rows is left out, so that a template can say that there is none.
    private func add(
        _ name: String, _ rows: [[String: String]], _ omittedName: String = "", _ omitted: Int = 0,
        to values: inout [String: TemplateValue]
    ) {
        if !rows.isEmpty { values[name] = .rows(rows) }
        if omitted > 0 { values[omittedName] = .text("\(omitted)") }
    }

    /// The first and the last of a list that is too long.
    private static func shortened<Element>(_ list: [Element], to limit: Int) -> (kept: [Element], omitted: Int) {
        guard list.count > limit else { return (list, 0) }
        let first = limit / 4
        return (Array(list.prefix(first) + list.suffix(limit - first)), list.count - limit)
    }

    /// One line of bounded length: what people wrote must not become a heading or an item of its own.
    static func line(_ text: String, max limit: Int = Limit.characters) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > limit ? line.prefix(limit - 1) + "…" : line
    }
}

import QueryWire
import Telemetry

/// `tocsin incident list`.
struct IncidentListReport: Report {
    var incidents: [IncidentView]
    /// "open" or "", for the sentence that says that there are none.
    var filter: String

    /// The order of lists: open before resolved, then by level, then the latest first.
    static func precedes(_ lhs: IncidentView, _ rhs: IncidentView) -> Bool {
        if (lhs.resolvedAt == nil) != (rhs.resolvedAt == nil) { return lhs.resolvedAt == nil }
        if lhs.severity != rhs.severity { return lhs.severity < rhs.severity }
        return lhs.openedAt == rhs.openedAt ? lhs.id < rhs.id : lhs.openedAt > rhs.openedAt
    }

    var value: OutputValue { .array(incidents.map { IncidentReport.value(of: $0) }) }

    func table(_ context: RenderContext) -> String {
        guard !incidents.isEmpty else { return filter.isEmpty ? "No incidents.\n" : "No \(filter) incidents.\n" }
        var table = Table([
            .init(title: "ID"), .init(title: "LEVEL"), .init(title: "STATE"), .init(title: "OPENED"),
            .init(title: "ACK"),
            .init(title: "SUBJECT", isFlexible: true), .init(title: "TITLE", isFlexible: true),
        ])
        for incident in incidents {
            table.add([
                .init(incident.id), .init(incident.severity, .severity(incident.severity)),
                .init(incident.state, .state(incident.state)), .init(context.time(incident.openedAt)),
                .init(incident.acknowledgedAt == nil ? "-" : incident.acknowledgedBy ?? "yes"), .init(incident.subject),
                .init(([incident.title] + Self.notes(of: incident)).joined(separator: ", ")),
            ])
        }
        return table.render(context)
    }
}

extension IncidentListReport {
    /// What else a line must tell: whose consequence it is or what it breaks, flapping, silence.
    static func notes(of incident: IncidentView) -> [String] {
        var notes: [String] = []
        if let root = incident.root { notes.append("under \(root)") }
        if !incident.consequences.isEmpty {
            notes.append("\(incident.consequences.count) under it, \(incident.impacted.count) workloads in trouble")
        }
        if incident.flaps > 0 { notes.append("flapped \(incident.flaps)x") }
        if let silence = incident.silencedBy { notes.append("silenced by \(silence)") }
        return notes
    }
}

/// `tocsin incident show` and what the commands that change an incident answer.
struct IncidentReport: Report {
    var detail: IncidentDetailView

    /// The keys that lists and details share.
    static func value(of incident: IncidentView) -> OutputValue { .object(entries(of: incident)) }

    private static func entries(of incident: IncidentView) -> [OutputValue.Entry] {
        [
            .init(key: "id", value: .string(incident.id)), .init(key: "title", value: .string(incident.title)),
            .init(key: "family", value: .string(incident.family)),
            .init(key: "checkGroup", value: .string(incident.checkGroup)),
            .init(key: "severity", value: .string(incident.severity)),
            .init(key: "state", value: .string(incident.state)),
            .init(key: "cluster", value: .string(incident.cluster)),
            .init(key: "subject", value: .string(incident.subject)),
            .init(key: "openedAt", value: .time(incident.openedAt)),
            .init(key: "detectedAt", value: .time(incident.detectedAt)),
            .init(key: "onsetAt", value: .time(incident.onsetAt)),
            .init(key: "acknowledgedAt", value: .time(incident.acknowledgedAt)),
            .init(key: "acknowledgedBy", value: .text(incident.acknowledgedBy)),
            .init(key: "resolvedAt", value: .time(incident.resolvedAt)),
            .init(key: "cause", value: .text(incident.cause)),
            .init(key: "root", value: .text(incident.root)),
            .init(key: "rootReasons", value: .array(incident.rootReasons.map { .string($0) })),
            .init(key: "consequences", value: .array(incident.consequences.map { .string($0) })),
            .init(key: "impacted", value: .array(incident.impacted.map { .string($0) })),
            .init(key: "flaps", value: .count(incident.flaps)),
            .init(key: "heldUntil", value: .time(incident.heldUntil)),
            .init(key: "silencedBy", value: .text(incident.silencedBy)),
            .init(key: "silencedUntil", value: .time(incident.silencedUntil)),
            .init(key: "episode", value: .count(incident.episode)),
            .init(key: "version", value: .unsigned(incident.version)),
            .init(key: "findings", value: .array(incident.findings.map(value))),
        ]
    }

    private static func value(of finding: FindingView) -> OutputValue {
        [
            "check": .string(finding.check), "phase": .string(finding.phase), "at": .time(finding.at),
            "onsetAt": .time(finding.onsetAt), "value": .number(finding.value),
            "worstValue": .number(finding.worstValue),
            "threshold": .number(finding.threshold), "affected": .count(finding.affected),
            "total": .count(finding.total),
            "explanation": .string(finding.explanation),
            "contributors": .array(finding.contributors.map { .string($0) }),
        ]
    }

    var value: OutputValue {
        let ledger = detail.ledger.map { ExplanationReport.value(of: $0) }
        let timeline = detail.timeline.map { entry -> OutputValue in
            [
                "at": .time(entry.at), "sequence": .unsigned(entry.sequence), "kind": .string(entry.kind),
                "author": .text(entry.author), "text": .string(entry.text),
            ]
        }
        return .object(
            Self.entries(of: detail.incident) + [
                .init(key: "ledger", value: .array(ledger)), .init(key: "timeline", value: .array(timeline)),
            ] + ResponseReport(detail: detail).entries + EvidenceReport(detail: detail).entries + [
                .init(key: "logs", value: LogReport(edges: detail.logs).value)
            ])
    }

    func table(_ context: RenderContext) -> String {
        let incident = detail.incident
        var text = [
            Printable.line(incident.id),
            context.styled(Printable.line(incident.severity), .severity(incident.severity)),
            context.styled(Printable.line(incident.state), .state(incident.state)),
            context.styled(Printable.line(incident.title), .bold),
        ].joined(separator: "  ")
        text += "\n"
        text += FieldList([
            ("Subject", "\(incident.subject) in \(incident.cluster)"),
            ("Family", "\(incident.family), \(incident.checkGroup)"),
            ("Onset", context.time(incident.onsetAt)), ("Detected", context.time(incident.detectedAt)),
            ("Opened", context.time(incident.openedAt) + (incident.episode > 1 ? ", episode \(incident.episode)" : "")),
            ("Acknowledged", acknowledgement(context)), ("Resolved", incident.resolvedAt.map { context.time($0) }),
            ("Cause", incident.cause), ("Under", under),
            ("Above", incident.consequences.isEmpty ? nil : incident.consequences.joined(separator: ", ")),
            ("In trouble", incident.impacted.isEmpty ? nil : incident.impacted.joined(separator: ", ")),
            ("Flapping", flapping(context)),
            (
                "Silenced",
                incident.silencedBy.map { "by \($0) until \(context.time(incident.silencedUntil)): pages are hidden" }
            ), ("Answer by", detail.respondBy.map { context.time($0) }), ("Version", "\(incident.version)"),
        ]).render(context)
        text += section("Findings", findings(context), context)
        text += section("Evidence", EvidenceReport(detail: detail).lines(context), context)
        text += section("Logs", LogReport(edges: detail.logs).body(context, indent: 2), context)
        text += section("Why this level", ledger(context), context)
        text += section("Next pages", ResponseReport(detail: detail).pages(context), context)
        text += section("Runbook", ResponseReport(detail: detail).checklist(context), context)
        text += section("Timeline", timeline(context), context)
        return text
    }

    private func acknowledgement(_ context: RenderContext) -> String {
        guard let at = detail.incident.acknowledgedAt else { return "nobody yet" }
        return context.time(at) + (detail.incident.acknowledgedBy.map { " by \($0)" } ?? "")
    }

    private var under: String? {
        detail.incident.root.map { root in
            ([root] + detail.incident.rootReasons).joined(separator: ": ")
        }
    }

    private func flapping(_ context: RenderContext) -> String? {
        let incident = detail.incident
        guard incident.flaps > 0 || incident.heldUntil != nil else { return nil }
        let held = incident.heldUntil.map { "; ends if quiet until \(context.time($0))" } ?? ""
        return "came back \(incident.flaps) times in this episode\(held)"
    }

    private func section(_ title: String, _ body: String, _ context: RenderContext) -> String {
        body.isEmpty ? "" : "\n\(context.styled(title, .bold))\n\(body)"
    }

    private func findings(_ context: RenderContext) -> String {
        detail.incident.findings.map { finding in
            let style: Style = finding.phase == "closed" ? .green : .red
            var text = "  \(context.styled(Printable.line(finding.phase), style))  \(Printable.line(finding.check)): "
            text += "\(Printable.line(finding.explanation)) (worst \(NumberText.value(finding.worstValue)), "
            text += "\(finding.affected) of \(finding.total), since \(context.time(finding.onsetAt)))\n"
            for contributor in finding.contributors { text += "      \(Printable.line(contributor))\n" }
            return text
        }.joined()
    }

    private func ledger(_ context: RenderContext) -> String {
        detail.ledger.map { entry in
            let time = TimeText.local(entry.at, now: context.now, zone: context.zone)
            let level = context.styled(Printable.line(entry.severity), .severity(entry.severity))
            return "  \(time)  \(level)  \(Printable.line(entry.sentence)) [\(Printable.line(entry.rule))]\n"
        }.joined()
    }

    private func timeline(_ context: RenderContext) -> String {
        guard !detail.timeline.isEmpty else { return "" }
        var table = Table([
            .init(title: "WHEN"), .init(title: "WHO"), .init(title: "EVENT"), .init(title: "TEXT"),
        ])
        for entry in detail.timeline {
            table.add([
                .init(TimeText.local(entry.at, now: context.now, zone: context.zone)),
                .init(entry.author ?? "tocsin", .dim),
                .init(entry.kind), .init(entry.text),
            ])
        }
        return table.render(context, indent: 2)
    }
}

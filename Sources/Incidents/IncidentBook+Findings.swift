package import Detection
package import Telemetry

extension IncidentBook {
    /// What a finding leads to at `now` (the coordinator's clock; never earlier than the events already folded).
    ///
    /// A finding that brings nothing new leads to nothing. A finding of an incident that a person resolved is ignored
    /// until its check closes, or breaches anew (its onset is after the end).
    ///
    /// - Parameter dependents: how many workloads depend on the finding's subject.
    package func decide(_ finding: Finding, dependents: Int = 0, now: Timestamp) -> Decision {
        let key = IncidentKey(subject: finding.subject, checkGroup: finding.checkGroup)
        guard let incident = incident(of: key) else {
            return finding.phase == .closed
                ? Decision()
                : decideNew(finding, dependents: dependents, replacing: nil, now: now)
        }
        if finding.phase == .closed { return decideClosed(finding, of: incident, now: now) }
        guard incident.hasRoom(for: finding.check) else { return Decision(refused: true) }
        return incident.isOpen
            ? Decision(drafts: decideOpen(finding, dependents: dependents, of: incident, now: now))
            : decideRecurrence(finding, dependents: dependents, of: incident, now: now)
    }

    private func decideClosed(_ finding: Finding, of incident: Incident, now: Timestamp) -> Decision {
        guard incident.record(of: finding.check)?.isOpen == true else { return Decision() }
        var script = Script(incident, now: now)
        script.add(.findingClosed(finding: finding))
        if incident.isOpen, !script.incident.hasOpenFindings {
            if flaps(incident, now: now) {
                script.add(.recoveryHeld(until: now + configuration.flapQuiet))
            } else {
                script.add(.resolved(by: .system, cause: nil))
            }
        }
        return Decision(drafts: script.drafts)
    }

    private func decideOpen(
        _ finding: Finding, dependents: Int, of incident: Incident, now: Timestamp
    ) -> [IncidentEvent.Draft] {
        var script = Script(incident, now: now)
        let record = incident.record(of: finding.check)
        let level = severities.level(of: finding, dependents: dependents)
        var cause = "check \(finding.check) opened"
        if let record, record.isOpen {
            if isWorthRecord(finding, level, after: record, now: now) {
                script.add(
                    .findingUpdated(finding: finding, assessment: severities.assess(finding, dependents: dependents)))
            }
            cause = "check \(finding.check) went from \(record.assessment.severity) to \(level)"
        } else {
            script.add(
                .findingOpened(finding: finding, assessment: severities.assess(finding, dependents: dependents)))
        }
        if let due = script.incident.severityDue(at: now, lowerAfter: configuration.lowerAfter) {
            let newest = severities.assess(finding, dependents: dependents)
            if due < incident.severity {
                cause = "nothing worse was asked for in the last \(PlainText.duration(configuration.lowerAfter))"
            }
            script.changeSeverity(
                from: incident.severity, to: ledgerEntry(for: due, in: script.incident, newest: newest, now: now),
                cause: cause)
        }
        return script.drafts
    }

    private func decideRecurrence(
        _ finding: Finding, dependents: Int, of incident: Incident, now: Timestamp
    ) -> Decision {
        let isMuted = incident.record(of: finding.check)?.isOpen == true
        // Onset tells a breach that the resolver knew of from a new one, also when detectors were restarted.
        if isMuted, finding.onsetAt <= incident.resolvedAt ?? finding.onsetAt { return Decision() }
        guard let quietSince = incident.quietSince, now - quietSince <= configuration.reopenWindow else {
            return decideNew(finding, dependents: dependents, replacing: incident, now: now)
        }
        guard incident.hasOpenFindings || liveCount < configuration.openIncidentsMax else {
            return Decision(refused: true)
        }
        var script = Script(incident, now: now)
        script.add(
            .reopened(
                title: finding.title, episode: incident.episode + 1, onsetAt: finding.onsetAt, detectedAt: finding.at))
        open(finding, dependents: dependents, in: &script)
        return Decision(drafts: script.drafts)
    }

    private func decideNew(
        _ finding: Finding, dependents: Int, replacing old: Incident?, now: Timestamp
    ) -> Decision {
        guard liveCount < configuration.openIncidentsMax else { return Decision(refused: true) }
        var drafts: [IncidentEvent.Draft] = []
        if let old {
            // From now on the key's findings go to the new incident: what the old one still holds open would stay so.
            var script = Script(old, now: now)
            for record in old.findings where record.isOpen {
                script.add(.findingClosed(finding: record.finding))
            }
            drafts = script.drafts
        }
        let detected = IncidentEvent(
            sequence: 0, incident: IncidentID(rawValue: lastNumber + 1), at: now,
            kind: .detected(
                subject: finding.subject, family: finding.family, checkGroup: finding.checkGroup, title: finding.title,
                episode: 1, onsetAt: finding.onsetAt, detectedAt: finding.at))
        guard let incident = Incident(detected, limits: configuration.limits) else { return Decision() }
        var script = Script(incident, now: now)
        script.drafts.append(.init(incident: incident.id, at: now, kind: detected.kind))
        open(finding, dependents: dependents, in: &script)
        return Decision(drafts: drafts + script.drafts)
    }

    /// Adds the finding and the level that the episode starts with.
    private func open(_ finding: Finding, dependents: Int, in script: inout Script) {
        let assessment = severities.assess(finding, dependents: dependents)
        script.add(.findingOpened(finding: finding, assessment: assessment))
        let level = script.incident.worstOpenLevel ?? assessment.severity
        script.changeSeverity(
            from: nil, to: ledgerEntry(for: level, in: script.incident, newest: assessment, now: script.now),
            cause: "check \(finding.check) opened episode \(script.incident.episode)")
    }

    /// A record is worth making when the finding's own level changes or its depth has grown by half.
    ///
    /// A level that falls again and again is recorded at most once in a fifth of `lowerAfter`, so that a value that
    /// swings about a rule's limit does not fill the log; the severity then falls later, never sooner.
    private func isWorthRecord(
        _ finding: Finding, _ new: Severity, after record: IncidentFinding, now: Timestamp
    ) -> Bool {
        let old = record.assessment.severity
        if new > old { return true }
        if new < old { return now - record.recordedAt >= configuration.lowerAfter / 5 }
        let depth = (finding.worstValue - finding.threshold).magnitude
        let recorded = (record.finding.worstValue - record.finding.threshold).magnitude
        // Growth from next to nothing is no news: it must also be a tenth of the threshold.
        return depth >= recorded * 1.5 && depth - recorded > finding.threshold.magnitude / 10
    }

    /// The reason for a level: the newest assessment that gives it, else the incident's own of that level.
    private func ledgerEntry(
        for level: Severity, in incident: Incident, newest: SeverityAssessment, now: Timestamp
    ) -> LedgerEntry {
        if newest.severity == level { return LedgerEntry(at: now, newest) }
        let open = incident.findings.filter(\.isOpen)
        if let record = open.first(where: { $0.assessment.severity == level }) {
            return LedgerEntry(at: now, record.assessment)
        }
        let held = PlainText.duration(configuration.lowerAfter)
        let because = "nothing worse was asked for in the last \(held)"
        var entry = LedgerEntry(
            at: now, severity: level, check: newest.check, rule: newest.origin, because: because,
            sentence: "\(level) because \(because); now \(newest.sentence)")
        entry.reasoning = newest.reasoning
        return entry
    }
}

/// Events of one decision, each folded into a copy of the incident, so that the next sees what the fold will see.
struct Script {
    var incident: Incident
    let now: Timestamp
    var drafts: [IncidentEvent.Draft] = []

    init(_ incident: Incident, now: Timestamp) {
        self.incident = incident
        self.now = now
    }

    mutating func add(_ kind: IncidentEvent.Kind) {
        incident.apply(IncidentEvent(sequence: 0, incident: incident.id, at: now, kind: kind))
        drafts.append(IncidentEvent.Draft(incident: incident.id, at: now, kind: kind))
    }

    /// Gives a level, with what it was before and what changed it.
    mutating func changeSeverity(from: Severity?, to entry: LedgerEntry, cause: String) {
        var entry = entry
        entry.previous = from
        entry.previousSince = from == nil ? nil : incident.ledger.last?.at
        entry.cause = cause
        add(.severityChanged(from: from, to: entry.severity, entry: entry))
    }
}

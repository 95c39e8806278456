import Detection
import Signals
package import Telemetry

extension IncidentBook {
    /// The incidents that are consequences of each root, in the order of their numbers, resolved ones included as long
    /// as they are in memory.
    package var consequences: [IncidentID: [Incident]] {
        var byRoot: [IncidentID: [Incident]] = [:]
        for incident in incidents.values {
            if let root = incident.root { byRoot[root, default: []].append(incident) }
        }
        return byRoot.mapValues { $0.sorted { $0.id < $1.id } }
    }

    /// Drafts with all that follows from them, numbered: who joins whom, and how roots change with their consequences.
    ///
    /// Nothing is applied. No drafts give no events.
    package func complete(
        _ drafts: [IncidentEvent.Draft], over graph: DependencyGraph, now: Timestamp
    ) -> [IncidentEvent] {
        guard !drafts.isEmpty else { return [] }
        var copy = self
        var events = copy.record(drafts)
        let opened = drafts.filter(\.kind.startsEpisode).map(\.incident)
        for id in opened { events += copy.record(copy.joins(of: id, over: graph, now: now)) }
        // What else a root's own change leads to was decided with that change.
        var roots = opened
        for event in events {
            for root in [copy.incidents[event.incident]?.root, event.kind.formerRoot].compactMap({ $0 })
            where !roots.contains(root) { roots.append(root) }
        }
        for root in roots { events += copy.record(copy.impact(on: root, now: now)) }
        return events
    }

    /// Numbers and folds drafts.
    mutating func record(_ drafts: [IncidentEvent.Draft]) -> [IncidentEvent] {
        let events = number(drafts)
        for event in events { apply(event) }
        return events
    }

    // MARK: - Joining

    /// Why one incident is taken for a consequence of another.
    private struct Match {
        /// Lower is stronger.
        var rank: Int
        var reason: String
    }

    /// Joins of an incident that has just opened: it under another, or others under it.
    private func joins(of id: IncidentID, over graph: DependencyGraph, now: Timestamp) -> [IncidentEvent.Draft] {
        guard let incident = incidents[id], incident.isOpen, incident.root == nil else { return [] }
        let others = incidents.values.filter { $0.isOpen && $0.id != id }
        var best: (match: Match, root: Incident)?
        for other in others {
            guard let match = match(incident, under: other, graph) else { continue }
            let root = other.root.flatMap { incidents[$0] } ?? other
            guard root.id != id, root.isOpen, root.root == nil else { continue }
            if let current = best,
                (current.match.rank, current.root.onsetAt, current.root.id) <= (match.rank, root.onsetAt, root.id)
            {
                continue
            }
            best = (match, root)
        }
        if let best {
            return join(incident, under: best.root, because: best.match.reason, now: now)
        }
        var drafts: [IncidentEvent.Draft] = []
        for other in others.sorted(by: { $0.id < $1.id }) where other.root == nil {
            // What stands on this one moves, and what is milder on the same subject; what merely happened with it came
            // first and keeps its own.
            guard let match = match(other, under: incident, graph), match.rank <= Self.sameSubjectRank else { continue }
            drafts += join(other, under: incident, because: match.reason, now: now)
        }
        return drafts
    }

    /// The incident and its own consequences under a root.
    private func join(
        _ incident: Incident, under root: Incident, because reason: String, now: Timestamp
    ) -> [IncidentEvent.Draft] {
        let mine = incidents.values.filter { $0.root == incident.id && $0.isOpen }.sorted { $0.id < $1.id }
        let size = incidents.values.count { $0.root == root.id && $0.isOpen }
        guard size + mine.count + 1 <= configuration.consequencesMax else { return [] }
        return ([incident] + mine).map { member in
            let reasons = member.id == incident.id ? [reason] : ["it had joined \(incident.id), and \(reason)"]
            return .init(
                incident: member.id, at: now, kind: .joined(root: root.id, from: member.root, reasons: reasons))
        }
    }

    private static let dependencyRank = 0
    private static let sameSubjectRank = 1

    /// Whether `incident` is a consequence of `cause`, and why.
    private func match(_ incident: Incident, under cause: Incident, _ graph: DependencyGraph) -> Match? {
        guard incident.subject.cluster == cause.subject.cluster else { return nil }
        let apart = (incident.onsetAt - cause.onsetAt).magnitude
        let isNear = apart <= configuration.correlationWindow
        let parts = incident.findings.filter(\.isOpen).flatMap { $0.finding.contributors.map(\.contributor) }
        if let evidence = graph.evidence(that: incident.subject, standsOn: cause.subject, parts: parts),
            // A cause that lasts and is at least as bad explains what comes late, too; an old minor one does not.
            isNear || cause.onsetAt <= incident.onsetAt && cause.severity >= incident.severity
        {
            return Match(rank: Self.dependencyRank, reason: evidence)
        }
        guard isNear else { return nil }
        let gap = PlainText.duration(apart)
        if incident.subject == cause.subject {
            // The worse one is the root: nobody is to read of a dead database as a consequence of full connections.
            let isMilder =
                incident.severity == cause.severity
                ? (incident.onsetAt, incident.id) > (cause.onsetAt, cause.id) : incident.severity < cause.severity
            guard isMilder else { return nil }
            let reason = "\(cause.checkGroup) of the same subject began within \(gap)"
            return Match(rank: Self.sameSubjectRank, reason: reason)
        }
        guard cause.onsetAt <= incident.onsetAt || cause.id < incident.id else { return nil }
        guard incident.subject.kind == .workload, cause.subject.kind == .workload else { return nil }
        let shared = graph.databases(of: incident.subject).map(\.subject)
            .first { graph.databases(of: cause.subject).map(\.subject).contains($0) }
        if let shared {
            return Match(
                rank: 2, reason: "it shares \(shared.path) with \(cause.subject.path), in trouble within \(gap)")
        }
        return rolledOutTogether(incident, cause, graph).map { Match(rank: 3, reason: $0) }
    }

    private func rolledOutTogether(_ incident: Incident, _ cause: Incident, _ graph: DependencyGraph) -> String? {
        guard let mine = graph.rolloutStart(of: incident.subject),
            let other = graph.rolloutStart(of: cause.subject),
            (mine - other).magnitude <= configuration.sharedRolloutWithin,
            // The rollout came first, and not long ago.
            max(mine, other) <= incident.onsetAt, incident.onsetAt - mine <= configuration.correlationWindow
        else { return nil }
        let gap = PlainText.duration((mine - other).magnitude)
        let what = graph.rolloutText(of: incident.subject).map { " (\($0))" } ?? ""
        let before = PlainText.duration(incident.onsetAt - mine)
        return "it was rolled out\(what) within \(gap) of \(cause.subject.path), \(before) before"
    }

    // MARK: - Roots

    /// How a root changes with its consequences: their number, the workloads impacted, the worst level.
    func impact(on id: IncidentID, now: Timestamp) -> [IncidentEvent.Draft] {
        guard let root = incidents[id], root.isOpen else { return [] }
        let members = incidents.values.filter { $0.root == id && $0.isOpen }
        let workloads = Set(members.map(\.subject).filter { $0.kind == .workload } + root.ownWorkload)
        let worst = members.max { ($0.severity, $1.id) < ($1.severity, $0.id) }
        let impact =
            members.isEmpty
            ? Incident.Impact()
            : Incident.Impact(
                consequences: members.count, workloads: workloads.map(\.path).sorted(), severity: worst?.severity,
                worst: worst?.id)
        guard impact != root.impact else { return [] }
        var script = Script(root, now: now)
        script.add(.impactChanged(impact: impact))
        if let due = script.incident.severityDue(at: now, lowerAfter: configuration.lowerAfter) {
            script.changeSeverity(
                from: root.severity, to: impactEntry(due, script.incident, worst, now: now),
                cause: due > root.severity
                    ? "its consequence \(worst?.id.description ?? "") is \(due)" : "its consequences are over or milder"
            )
        }
        return script.drafts
    }

    private func impactEntry(
        _ severity: Severity, _ root: Incident, _ worst: Incident?, now: Timestamp
    ) -> LedgerEntry {
        let own = root.ledger.last
        guard let worst, worst.severity == severity else {
            let because = "nothing worse is asked for by its own checks or by its consequences"
            return LedgerEntry(
                at: now, severity: severity, check: own?.check ?? root.checkGroup, rule: own?.rule ?? "default",
                because: because, sentence: "\(severity) because \(because)")
        }
        let reason = worst.ledger.last
        let because = "its consequence \(worst.id), \(worst.title) on \(worst.subject.path), is \(severity)"
        var entry = LedgerEntry(
            at: now, severity: severity, check: reason?.check ?? worst.checkGroup, rule: reason?.rule ?? "default",
            because: because, sentence: "\(severity) because \(because): \(reason?.sentence ?? worst.title)")
        entry.reasoning = reason?.reasoning
        return entry
    }
}

extension Incident {
    fileprivate var ownWorkload: [Subject] { subject.kind == .workload ? [subject] : [] }
}

import Detection
import Incidents
import Telemetry

/// What must hold of the book whatever happens, judged from the events alone and by other means than the book's own.
struct Invariants {
    /// An incident as the checker sees it.
    fileprivate struct Life {
        var isOpen = true
        var episodes = 1
        var ends = 0
        var severity: Severity?
        var openLevels: [String: Severity] = [:]
        var impact: Severity?
        var held = false
        /// Since when nothing worse than a level was asked for.
        var atMostSince: [Severity: Timestamp] = [:]

        var worst: Severity? { (Array(openLevels.values) + (impact.map { [$0] } ?? [])).max() }

        mutating func noteLevels(at time: Timestamp) {
            guard let worst else {
                atMostSince = [:]
                return
            }
            for level in Severity.allCases { atMostSince[level] = worst <= level ? atMostSince[level] ?? time : nil }
        }
    }

    private let configuration: IncidentBook.Configuration
    private var lives: [IncidentID: Life] = [:]
    private var silences: [SilenceID: Silence] = [:]
    private var lastSequence: UInt64 = 0

    init(configuration: IncidentBook.Configuration) {
        self.configuration = configuration
    }

    /// Starts anew from what is stored.
    mutating func restart(log: [IncidentEvent]) {
        self = Invariants(configuration: configuration)
        for event in log { _ = take(event) }
    }

    /// Judges the events of one decision; nil when nothing is wrong.
    mutating func take(_ events: [IncidentEvent], book: IncidentBook) -> String? {
        for event in events {
            if let reason = take(event) { return "event \(event.sequence) \(event.incident): \(reason)" }
        }
        for id in Set(events.map(\.incident)) where id != .none {
            guard let life = lives[id], life.isOpen else { continue }
            // Up at once: nothing that is asked for by the end of a decision is above the level.
            if let worst = life.worst, worst > life.severity ?? .p4 {
                return "\(id) is \(life.severity?.description ?? "nothing") and should be \(worst)"
            }
            if life.openLevels.isEmpty, !life.held { return "\(id) is open without a check in breach" }
        }
        return nil
    }

    private mutating func take(_ event: IncidentEvent) -> String? {
        guard event.sequence == lastSequence + 1 else {
            return "does not follow event \(lastSequence): one is lost or doubled"
        }
        lastSequence = event.sequence
        switch event.kind {
        case .silenceAdded(let silence):
            silences[silence.id] = silence
            return nil
        case .silenceExpired(let id, _):
            silences[id]?.endsAt = event.at
            return nil
        case .detected:
            guard event.incident.rawValue == lives.count + 1 else { return "numbers do not rise by one" }
            lives[event.incident] = Life()
            return nil
        default: break
        }
        guard var life = lives[event.incident] else { return "no such incident has begun" }
        defer { lives[event.incident] = life }
        return life.take(event, lowerAfter: configuration.lowerAfter)
    }

    /// What is wrong with the book as a whole; nil when nothing is.
    func broken(in book: IncidentBook, at now: Timestamp) -> String? {
        if book.ignoredEvents > 0 { return "\(book.ignoredEvents) events fit nothing" }
        let open = book.openIncidents
        if Set(open.map(\.key)).count != open.count { return "two open incidents have one identity" }
        if open.count > configuration.openIncidentsMax { return "\(open.count) incidents are open" }
        for incident in book.incidents.values {
            if let reason = broken(incident, in: book) { return "\(incident.id) \(reason)" }
            let isCovered = silences.values.contains {
                $0.startsAt <= now && now < $0.endsAt && $0.matcher.matches(incident)
            }
            if book.isSilenced(incident, at: now) != isCovered { return "\(incident.id) is silenced wrongly" }
        }
        return nil
    }

    private func broken(_ incident: Incident, in book: IncidentBook) -> String? {
        guard let life = lives[incident.id] else { return "was never detected" }
        if incident.isOpen != life.isOpen { return "is open in the book alone, or in the log alone" }
        if incident.episode != life.episodes { return "has \(incident.episode) episodes, the log \(life.episodes)" }
        if incident.severity != life.severity { return "has another level than its events" }
        guard let entry = incident.ledger.last else { return "has no ledger" }
        if entry.severity != incident.severity { return "is \(incident.severity), its ledger says \(entry.severity)" }
        if let root = incident.root {
            if root == incident.id { return "is its own root" }
            if incident.rootReasons.isEmpty { return "has a root and no reason" }
            if book.incidents[root]?.root != nil, incident.isOpen { return "has a root that has one itself" }
        }
        let members = book.incidents.values.filter { $0.root == incident.id && $0.isOpen }
        guard incident.isOpen else { return nil }
        if members.count != incident.impact.consequences { return "counts its consequences wrongly" }
        if members.map(\.severity).max() != incident.impact.severity { return "does not know its worst consequence" }
        return nil
    }

    /// An episode that lacks its end although all has recovered.
    var unfinished: String? {
        lives.sorted { $0.key < $1.key }.first { $0.value.ends != $0.value.episodes }.map {
            "\($0.key) has \($0.value.episodes) episodes and \($0.value.ends) ends"
        }
    }
}

extension Invariants.Life {
    /// Folds an event; says what is wrong with it.
    fileprivate mutating func take(_ event: IncidentEvent, lowerAfter: Duration) -> String? {
        switch event.kind {
        case .reopened(_, let episode, _, _):
            if isOpen { return "reopened while it is open" }
            if episode != episodes + 1 { return "episode \(episode) follows \(episodes)" }
            (isOpen, held, impact, atMostSince) = (true, false, nil, [:])
            episodes = episode
            noteLevels(at: event.at)
        case .findingOpened(let finding, let assessment), .findingUpdated(let finding, let assessment):
            openLevels[finding.check] = assessment.severity
            held = false
            noteLevels(at: event.at)
        case .findingClosed(let finding):
            if openLevels.removeValue(forKey: finding.check) == nil { return "a check closes that was not open" }
            noteLevels(at: event.at)
        case .impactChanged(let new):
            impact = new.severity
            noteLevels(at: event.at)
        case .severityChanged(let from, let to, let entry):
            return change(from: from, to: to, entry, at: event.at, lowerAfter)
        case .recoveryHeld: held = true
        case .resolved:
            if !isOpen { return "ended twice" }
            (isOpen, held) = (false, false)
            ends += 1
        case .acknowledged(_, let level):
            if level != severity { return "acknowledged at \(level), which is not its level" }
            if !isOpen { return "acknowledged after its end" }
        case .stateChanged: if !isOpen { return "moved after its end" }
        default: break
        }
        return nil
    }

    private mutating func change(
        from: Severity?, to: Severity, _ entry: LedgerEntry, at time: Timestamp, _ lowerAfter: Duration
    ) -> String? {
        if entry.severity != to || entry.at != time { return "the ledger tells another change" }
        if entry.because.isEmpty || entry.sentence.isEmpty || entry.cause?.isEmpty != false {
            return "the ledger does not say why"
        }
        defer { severity = to }
        guard let from else { return nil }
        if from != severity || entry.previous != severity { return "the level was not \(from) before" }
        if to == from { return "the level changes to itself" }
        guard to < from else { return nil }
        guard let since = atMostSince[to], time - since >= lowerAfter else { return "the level falls too soon" }
        return nil
    }
}

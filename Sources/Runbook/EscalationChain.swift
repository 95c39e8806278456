import Detection
package import Incidents
package import Telemetry

/// The calls of one incident's current episode: the fold of its events, and what is due next.
///
/// A round is one walk down the matrix. A round begins when the episode opens, when the level rises above all that was
/// announced and acknowledged, and when silence after an acknowledgement calls again.
package struct EscalationChain: Hashable, Sendable {
    /// The incident.
    package let incident: IncidentID
    /// The episode, from 1.
    package private(set) var episode = 1
    /// When the episode was opened.
    package private(set) var openedAt: Timestamp
    /// The level; nil before it was assessed.
    package private(set) var severity: Severity?
    /// Whether the episode lasts.
    package private(set) var isOpen = true
    /// The worst level that people were called for in this episode.
    package private(set) var announced: Severity?
    /// The level at which somebody has it; nil while nobody does.
    package private(set) var acknowledged: Severity?
    /// Roles called in this episode, in order.
    package private(set) var roles: [String] = []
    /// When stakeholders or customers were promised an update; the earliest that is open.
    package private(set) var promisedAt: Timestamp?

    /// Family of the finding that opened it: who is called beside the matrix.
    private let family: Family
    /// When the level was reached that is above all that was announced.
    private var raisedAt: Timestamp
    /// Rounds begun.
    private var round = 0
    /// Start of the round's clock.
    private var roundAt: Timestamp
    /// Step of the matrix that is next in this round.
    private var nextStep = 0
    /// Last sign of a person since it was acknowledged.
    private var heardAt: Timestamp
    /// When the episode ended; nil while it lasts.
    package private(set) var endedAt: Timestamp?
    private var isEndTold = false
    private var promises: [SentMessage.Kind: Timestamp] = [:]
    private var missed = 0

    /// Starts with the incident's first event; nil for any other than `detected`.
    package init?(_ event: IncidentEvent) {
        guard case .detected(_, let family, _, _, let episode, _, _) = event.kind else { return nil }
        incident = event.incident
        self.family = family
        self.episode = episode
        (openedAt, raisedAt, roundAt, heardAt) = (event.at, event.at, event.at, event.at)
    }

    /// Whether everything that this episode called for was said.
    package var isOver: Bool { !isOpen && (announced == nil || isEndTold) }

    /// Whether events of a kind may change what is due: all that `apply` does something for.
    static func isMoved(by kind: IncidentEvent.Kind) -> Bool {
        switch kind {
        case .findingOpened, .findingUpdated, .findingClosed, .delivered, .joined, .parted, .impactChanged,
            .recoveryHeld, .silenceAdded, .silenceExpired:
            false
        default: true
        }
    }

    /// Folds one event of the incident.
    package mutating func apply(_ event: IncidentEvent) {
        switch event.kind {
        case .detected, .findingOpened, .findingUpdated, .findingClosed, .delivered, .joined, .parted, .impactChanged,
            .recoveryHeld, .silenceAdded, .silenceExpired:
            break
        case .reopened(_, let episode, _, _):
            reopen(episode, at: event.at)
        case .severityChanged(_, let to, _):
            if to > severity ?? .p4 || severity == nil { raisedAt = event.at }
            severity = to
        case .acknowledged(_, let level):
            acknowledged = level
            heardAt = event.at
        case .noted, .stateChanged:
            heardAt = event.at
        case .resolved:
            isOpen = false
            endedAt = event.at
            keepPromises([:])
        case .paged(let page):
            note(page, at: event.at)
        case .messageSent(let message):
            heardAt = event.at
            var open = promises
            // A customer's update does not stand for an internal one, nor the reverse.
            let isCustomer = message.kind == .customer
            for kind in SentMessage.Kind.allCases where (kind == .customer) == isCustomer { open[kind] = nil }
            if isOpen { open[message.kind] = message.nextUpdateAt }
            keepPromises(open)
        }
    }

    private mutating func reopen(_ episode: Int, at: Timestamp) {
        self.episode = episode
        (openedAt, raisedAt, roundAt, heardAt) = (at, at, at, at)
        (severity, announced, acknowledged, endedAt) = (nil, nil, nil, nil)
        (isOpen, isEndTold) = (true, false)
        (round, nextStep, missed) = (0, 0, 0)
        roles = []
        keepPromises([:])
    }

    private mutating func note(_ page: Page, at: Timestamp) {
        guard page.episode == episode else { return }
        for role in page.roles where !roles.contains(role) { roles.append(role) }
        switch page.reason {
        case .opened, .raised:
            announced = max(announced ?? page.severity, page.severity)
            // The time of the record: after a silence or an outage nobody had the time before it to answer.
            (round, nextStep, roundAt) = (round + 1, 1, at)
        case .escalated:
            nextStep = page.step + 1
        case .retriggered:
            acknowledged = nil
            // It tells the level, too, or the same people would be called for it once more at the same moment.
            announced = max(announced ?? page.severity, page.severity)
            (round, nextStep, roundAt) = (round + 1, 1, at)
        case .promiseMissed:
            missed += 1
            keepPromises(promises.filter { $0.value > page.dueAt })
        case .resolved:
            isEndTold = true
        }
    }

    private mutating func keepPromises(_ open: [SentMessage.Kind: Timestamp]) {
        promises = open
        promisedAt = open.values.min()
    }
}

// MARK: - What is due

extension EscalationChain {
    /// Whether somebody has it at its present level or a worse one.
    package var isTaken: Bool {
        guard let acknowledged, let severity else { return false }
        return acknowledged >= severity
    }

    /// When the level's response time ends; nil when somebody has it or it is over.
    package func respondBy(_ policy: EscalationPolicy) -> Timestamp? {
        guard let severity, isOpen, !isTaken else { return nil }
        return start(severity) + policy[severity].respondWithin
    }

    /// The next page and when it is due; nil when none will come without a further event.
    func next(_ policy: EscalationPolicy) -> Page? {
        guard isOpen else { return end }
        guard let severity else { return nil }
        let candidates = [announcement(severity, policy), escalation(severity, policy), retrigger(severity, policy)]
        let promise = missedPromise(severity, policy)
        return (candidates + [promise]).compactMap { $0 }.min { ($0.dueAt, $0.step) < ($1.dueAt, $1.step) }
    }

    /// All that will come unless something happens, in order of due times; at most 32.
    ///
    /// A step without a role is listed too: it is the end of the matrix.
    package func pending(_ policy: EscalationPolicy) -> [Page] {
        var chain = self
        var pages: [Page] = []
        var seen: Set<String> = []
        while pages.count < 32, let page = chain.next(policy), seen.insert(page.key).inserted {
            pages.append(page)
            // Beyond the first silence everything depends on what people do then.
            if page.reason == .retriggered { break }
            chain.note(page, at: page.dueAt)
        }
        if let severity, isOpen, !isTaken, let step = chain.endOfMatrix(severity, policy) { pages.append(step) }
        return pages.sorted { ($0.dueAt, $0.step) < ($1.dueAt, $1.step) }
    }

    private func start(_ severity: Severity) -> Timestamp {
        round == 0 || severity > announced ?? .p4 ? raisedAt : roundAt
    }

    private func announcement(_ severity: Severity, _ policy: EscalationPolicy) -> Page? {
        if let announced, severity <= announced { return nil }
        if isTaken { return nil }
        return page(
            announced == nil ? .opened : .raised, severity, step: 0,
            roles: policy.responders(of: family, at: severity), dueAt: raisedAt, key: "\(round + 1)/0")
    }

    private func escalation(_ severity: Severity, _ policy: EscalationPolicy) -> Page? {
        guard round > 0, !isTaken, severity <= announced ?? .p1 else { return nil }
        let steps = policy[severity].steps
        // A level that fell has other people: steps already taken are not taken again.
        guard nextStep < steps.count, let role = steps[nextStep].role else { return nil }
        return page(
            .escalated, severity, step: nextStep, roles: [role],
            dueAt: clockStart(severity, policy) + steps[nextStep].after,
            key: "\(round)/\(nextStep)")
    }

    private func endOfMatrix(_ severity: Severity, _ policy: EscalationPolicy) -> Page? {
        let steps = policy[severity].steps
        guard nextStep < steps.count, steps[nextStep].role == nil else { return nil }
        return page(
            .escalated, severity, step: nextStep, roles: [],
            dueAt: clockStart(severity, policy) + steps[nextStep].after,
            key: "\(round)/\(nextStep)")
    }

    private func clockStart(_ severity: Severity, _ policy: EscalationPolicy) -> Timestamp {
        let level = policy[severity]
        return level.clock == .detected ? roundAt : roundAt + level.respondWithin
    }

    private func retrigger(_ severity: Severity, _ policy: EscalationPolicy) -> Page? {
        guard isTaken, let after = policy[severity].retriggerAfter else { return nil }
        return page(
            .retriggered, severity, step: 0, roles: policy.responders(of: family, at: severity),
            dueAt: heardAt + after, key: "\(round + 1)/0")
    }

    /// A missed promise calls the responder, and the next of the matrix beside.
    private func missedPromise(_ severity: Severity, _ policy: EscalationPolicy) -> Page? {
        guard let promisedAt else { return nil }
        return page(
            .promiseMissed, severity, step: 0, roles: policy[severity].steps.prefix(2).map(\.role), dueAt: promisedAt,
            key: "promise/\(missed + 1)")
    }

    private var end: Page? {
        guard let endedAt, let announced, !isEndTold else { return nil }
        return page(.resolved, severity ?? announced, step: 0, roles: roles, dueAt: endedAt, key: "resolved")
    }

    private func page(
        _ reason: Page.Reason, _ severity: Severity, step: Int, roles: [String?], dueAt: Timestamp, key: String
    ) -> Page {
        Page(
            key: "\(incident)/\(episode)/\(key)", episode: episode, reason: reason, severity: severity, step: step,
            roles: roles.compactMap { $0 }, dueAt: dueAt)
    }
}

package import Signals
import Telemetry

/// What a quantile's verdict rests on: the numbers of its sentence.
struct QuantileReading: Sendable, Codable, Hashable {
    /// Share of the window's requests that took longer than `enter` for certain.
    var slowShare: Double
    /// Between which bounds the last cell's quantile lies, in seconds; `upper` is nil when it may be beyond all.
    var lower: Double
    var upper: Double?
    /// Length of the window, or of the last cells that prove a recovery, in seconds.
    var seconds: Double
    /// Length of a cell, in seconds.
    var cellSeconds: Double
    /// How many of the window's last buckets prove a recovery; nil when the window does.
    var provenBy: Int?
    /// What is usual at this hour, in seconds, where the check asks and it is known.
    var usual: Double?
}

extension ThresholdDetector {
    /// Judges a quantile over the check's window by counts: p95 is beyond a level when more than 5 % of the window's
    /// requests are, whatever the quantiles of its cells.
    ///
    /// A request counts as slower than a level when its bucket says so for certain. All else is as for a ratio whose
    /// level is that share: the breach must be more than chance, the last cells may prove an onset or a recovery by
    /// the binomial test. The value is the mean of the cells' quantiles, kept on the side of the level that the counts
    /// prove.
    mutating func judgeQuantile(_ point: SignalPoint) -> Judgement? {
        guard let share = check.signal.quantileShare else { return nil }
        var window = QuantileWindow()
        if case .quantile(let known)? = measured { window = known }
        measured = nil
        defer { measured = .quantile(window) }
        let usual = check.timesUsual == nil ? nil : (window.usual ?? UsualHours()).usual(at: point.at.millis)
        guard let cell = slowRequests(of: point, usual: usual) else { return nil }
        window.add(
            cell, at: point.at.millis, stepMillis: point.step.wholeMilliseconds, windowMillis: tuning.windowMillis)
        let total = window.total
        let level = SlowLevel(check: check, allowed: 1 - share, enter: enter(usual) ?? check.enter)
        let isSeen = level.isBeyond(total.beyondEnter, of: total.requests)
        let isShort = !level.isBeyond(total.beyondLeave, of: total.requests)
        let allowsClosing = point.coverage.allowsClosing
        let holdsAnyway = isSeen && level.isBeyond(total.beyondEnter, of: total.ifMissingHealthy)
        var judgement = Judgement(
            value: total.mean, volume: total.requests, isBreach: holdsAnyway && level.isEnough(total),
            isRecovery: isShort && allowsClosing,
            isUncertain: (isSeen && !holdsAnyway) || (isShort && !allowsClosing), coverage: point.coverage)
        let isCellSlow = level.isBeyond(cell.beyondEnter, of: cell.requests)
        // Most cells: nothing is to be told.
        if phase == .idle, !isSeen, !isCellSlow {
            if check.timesUsual != nil, let value = point.value, point.coverage.allowsClosing {
                window.usual = window.usual ?? UsualHours()
                window.usual?.note(value, of: point.volume, at: point.at.millis)
            }
            return judgement
        }
        var reading = reading(of: point, total)
        reading.usual = usual
        if isOpen {
            proveRecovery(window, level, &judgement, &reading)
        } else {
            judgeOnset(point, window, level, &judgement)
        }
        judgement.value = level.sided(judgement.value, isBeyondEnter: isSeen && reading.provenBy == nil)
        judgement.reading = .quantile(reading)
        return judgement
    }

    /// A point's slow requests; none, if its contributors reported and there were none; nil without data.
    private func slowRequests(of point: SignalPoint, usual: Double?) -> SlowRequests? {
        guard let value = point.value, value.isFinite, case .quantile(let evidence)? = point.evidence else {
            return point.coverage.allowsClosing && point.volume == 0 ? SlowRequests() : nil
        }
        let enter = enter(usual)
        // What is usual is no fault, so the level of recovery goes up with that of the breach.
        let leave = check.leave * max(1, (enter ?? check.enter) / check.enter)
        return SlowRequests(
            requests: point.volume, ifMissingHealthy: evidence.requestsIfMissingHealthy,
            beyondEnter: enter.map(evidence.slower(than:)) ?? 0, beyondLeave: evidence.slower(than: leave),
            weighted: value * point.volume)
    }

    /// The level beyond which a request is slow; nil where it hangs on what is usual, and that is not known.
    private func enter(_ usual: Double?) -> Double? {
        guard let times = check.timesUsual else { return check.enter }
        return usual.map { max(check.enter, times * $0) }
    }

    private func reading(of point: SignalPoint, _ total: SlowRequests) -> QuantileReading {
        var reading = QuantileReading(
            slowShare: total.requests > 0 ? total.beyondEnter / total.requests : 0, lower: 0, upper: 0,
            seconds: max(check.window, point.step).inSeconds, cellSeconds: point.step.inSeconds)
        if case .quantile(let evidence)? = point.evidence {
            reading.lower = evidence.lower
            reading.upper = evidence.upper
        }
        return reading
    }

    /// What the last cells add before a finding stands: they may prove a breach that the window doesn't show yet, or
    /// say that one is over.
    private func judgeOnset(
        _ point: SignalPoint, _ window: QuantileWindow, _ level: SlowLevel, _ judgement: inout Judgement
    ) {
        guard check.holdFor > .zero else { return }
        let recent = window.recent
        if judgement.isBreach {
            let buckets = check.lateCells(of: window.bucketMillis)
            let last = recent.last { $0.buckets <= buckets } ?? recent.first
            judgement.isEarly = last.map { !level.stillHolds($0.requests) } ?? false
            return
        }
        let buckets = cellsSinceOnset(point, millis: window.bucketMillis)
        let excess = buckets.flatMap { window.excess(ofLast: $0, allowed: level.allowed) } ?? 0
        if excess > 0 || recent.contains(where: { level.provesBreach($0.requests) }) {
            judgement.isBreach = true
            judgement.isEarly = true
        }
    }

    private func proveRecovery(
        _ window: QuantileWindow, _ level: SlowLevel, _ judgement: inout Judgement, _ reading: inout QuantileReading
    ) {
        guard judgement.coverage.allowsClosing, !judgement.isRecovery else { return }
        let recent = window.recent
        guard let newest = recent.first, !level.isBeyond(newest.requests.beyondEnter, of: newest.requests.requests),
            let proof = recent.last(where: { level.provesRecovery($0.requests) })
        else { return }
        judgement.value = min(proof.requests.mean, check.leave)
        judgement.volume = proof.requests.requests
        judgement.isBreach = false
        judgement.isRecovery = true
        judgement.isUncertain = false
        reading.provenBy = proof.buckets
        reading.seconds = Double(Int64(proof.buckets) * window.bucketMillis) / 1000
    }
}

/// A check's levels as a share of requests that may be slower.
struct SlowLevel: Sendable {
    let check: Check
    /// Share of the requests that may be slower than a level: 0.05 for p95.
    let allowed: Double
    /// The level of a breach: the check's, or more where more is usual.
    let enter: Double

    func isBeyond(_ slow: Double, of requests: Double) -> Bool { requests > 0 && slow > allowed * requests }

    /// Whether the window has requests enough: a breach must be more than chance at half of the allowed share.
    func isEnough(_ total: SlowRequests) -> Bool {
        total.requests >= check.minimumVolume
            && BinomialTail.atLeast(total.beyondEnter, of: total.requests, share: allowed / 2) <= 0.001
    }

    /// Whether the last cells breach too, so that a burst which is over opens nothing.
    func stillHolds(_ recent: SlowRequests) -> Bool {
        isBeyond(recent.beyondEnter, of: recent.requests)
            && BinomialTail.atLeast(recent.beyondEnter, of: recent.requests, share: allowed / 2) <= 0.05
    }

    /// Whether some cells alone prove a breach.
    func provesBreach(_ recent: SlowRequests) -> Bool {
        isBeyond(recent.beyondEnter, of: recent.ifMissingHealthy)
            && recent.requests >= min(check.minimumVolume / 5, 20)
            && BinomialTail.atLeast(recent.beyondEnter, of: recent.ifMissingHealthy, share: allowed) <= 0.01
    }

    /// Whether some cells alone prove that a breach is over: so few slow requests would be less likely than 1 % if the
    /// quantile were at `leave`.
    func provesRecovery(_ recent: SlowRequests) -> Bool {
        guard !isBeyond(recent.beyondLeave, of: recent.requests),
            recent.requests >= min(check.minimumVolume / 5, 20)
        else { return false }
        return 1 - BinomialTail.atLeast(recent.beyondLeave.rounded() + 1, of: recent.requests, share: allowed) <= 0.01
    }

    /// A mean of quantiles on the side of `enter` that is known.
    func sided(_ value: Double, isBeyondEnter: Bool) -> Double {
        isBeyondEnter ? max(value, enter) : min(value, enter.nextDown)
    }
}

extension SignalName {
    /// Share of the requests that take the signal's value at most; nil for signals that are no quantiles.
    package var quantileShare: Double? {
        switch self {
        case .latencyP50Seconds: 0.5
        case .latencyP95Seconds: 0.95
        case .latencyP99Seconds: 0.99
        default: nil
        }
    }
}

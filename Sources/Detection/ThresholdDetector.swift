package import Signals
package import Telemetry

/// Watches one signal of one subject with one check.
///
/// - It becomes *pending* at the first point whose window breaches `enter` with enough volume, judged as if all missing
///   contributors were healthy, and opens once the breach has held for `holdFor` since the end of the cell in which it
///   began (see `breachStart`); with 0 at once.
/// - Durations are counted by the grid; times that people are told are those at which it was known. A point that does
///   not breach ends pending, but one that only dips between the levels stops its clock (see `isDip`).
/// - It starts *leaving* at the first point short of `leave` at 90 % coverage or more, and closes once that has held
///   for `leaveFor` since it began. A point between the levels, or beyond, ends leaving.
/// - No data (a point without value, a missing point, a recovery at low coverage, a breach that only holds without the
///   missing contributors) neither confirms nor refutes: the state stays and its clock stops. Pending is given up when
///   the clock has stood for longer than `holdFor` and five steps.
/// - Where a signal has a volume (error ratio, latency), a window without events at 90 % coverage is a recovery: a
///   service that nobody calls has no errors.
///
/// - A ratio or mean over a window starts pending already when the last cells alone prove it (a ratio by the binomial
///   test, a mean at twice the level), so that a window of minutes does not delay the onset; it opens only when the
///   whole window breaches, and the last cells do not say that it is over.
/// - It likewise starts leaving already when the last cells alone prove that it is over (a ratio by the binomial test,
///   a mean at half of `leave`); when it closes, what was before is dropped from the window.
/// - The value is the check's `measure` of the signal; `MeasureState` holds what the others than the plain one need.
///
/// State: at most 32 buckets of the window (1 KiB), and while not idle up to 256 contributors' own shares.
package struct ThresholdDetector: Sendable, Codable, Hashable {
    /// Where the detector is.
    ///
    /// Transitions: idle → pending → open → leaving → idle, pending → idle, leaving → open, and, with `holdFor` or
    /// `leaveFor` 0, past the state between.
    package enum Phase: String, Sendable, Codable {
        case idle, pending, open, leaving
    }

    // What every point reads comes first, so that it lies together.

    private var watched: CheckReference
    /// Where it is.
    package private(set) var phase = Phase.idle
    /// Whether the last point had all contributors; kept beside the detector in snapshots.
    var wasComplete = false
    /// End of the last cell given, with or without a value.
    package private(set) var lastPointAt: Timestamp?
    /// End of the last cell with a value.
    package private(set) var lastValueAt: Timestamp?
    var shares = ContributorShares()
    var window = BreachWindow()
    /// What the measure, or the test for low volumes, remembers; nil until it has to.
    var measured: MeasureState?
    /// Whose signal.
    package let subject: Subject
    /// When the first breach was known; nil when idle.
    package private(set) var onsetAt: Timestamp?
    /// Milliseconds from the onset to the end of its cell, which `holdFor` counts from; nil for 0.
    private var onsetLead: Int64?
    /// End of the last cell of which nothing was known, or, while a finding stands, not enough for a recovery.
    private(set) var unknownAt: Timestamp?
    /// The worst value since onset.
    package private(set) var worstValue: Double?

    /// Since when the recovery holds, by the grid.
    var leavingSince: Timestamp?
    /// How long the clock of pending or leaving stood.
    var standingMillis: Int64 = 0
    /// How long the clock has stood in one go.
    var gapMillis: Int64 = 0
    var lastJudged: Judgement?
    private var tuningKept = NoKeys()

    /// Names in snapshots; `tuning` was there before it was shared, and stays as an empty object.
    private enum CodingKeys: String, CodingKey {
        case subject, phase, onsetAt, onsetLead, unknownAt, lastPointAt, lastValueAt, worstValue
        case leavingSince, standingMillis, gapMillis, window, shares, lastJudged, measured
        case watched = "check"
        case tuningKept = "tuning"
    }

    private struct NoKeys: Sendable, Codable, Hashable {}

    /// The check.
    ///
    /// Its signal is the one whose points must be given.
    package var check: Check { watched.shared.check }

    /// The check as others hold it too.
    var shared: SharedCheck { watched.shared }

    var tuning: Tuning { watched.shared.tuning }

    /// Makes an idle detector.
    package init(subject: Subject, check: Check) {
        self.init(subject: subject, shared: SharedCheck(check))
    }

    /// Makes an idle detector with a check that others hold too.
    init(subject: Subject, shared: SharedCheck) {
        self.subject = subject
        watched = CheckReference(shared)
    }

    /// Makes a detector that was open before a restart: it goes on, and neither opens anew nor closes without a
    /// recovery.
    package init(subject: Subject, check: Check, openSince onset: Timestamp) {
        self.init(subject: subject, shared: SharedCheck(check), openSince: onset)
    }

    init(subject: Subject, shared: SharedCheck, openSince onset: Timestamp) {
        self.init(subject: subject, shared: shared)
        phase = .open
        onsetAt = onset
    }

    /// Takes over the onset that has been told of the finding that stands, where a replay of a shorter history found a
    /// later one.
    mutating func keepOnset(_ onset: Timestamp) {
        guard isOpen else { return }
        onsetAt = onset
        onsetLead = nil
    }

    /// Passes over cells up to a time.
    mutating func skip(to time: Timestamp?) { lastPointAt = time }

    /// End of the cell of the onset, by the grid; nil when idle.
    var onsetEnd: Timestamp? { onsetAt.map { $0 + .milliseconds(onsetLead ?? 0) } }

    /// Whether a finding stands.
    package var isOpen: Bool { phase == .open || phase == .leaving }

    /// Takes a changed definition of the check; what is open stays open.
    ///
    /// The window starts anew if its length changed.
    package mutating func replaceCheck(_ changed: Check) { replaceCheck(SharedCheck(changed)) }

    /// The same with a check that others hold too.
    mutating func replaceCheck(_ shared: SharedCheck) {
        let changed = shared.check
        if changed.window != check.window || changed.signal != check.signal { window = BreachWindow() }
        if changed.measure != check.measure || changed.signal != check.signal || changed.lowVolume != check.lowVolume {
            measured = nil
        }
        // The counts are of the levels that were.
        if case .quantile(let slow)? = measured, changed.enter != check.enter || changed.leave != check.leave {
            measured = .quantile(slow.emptied)
        }
        watched = CheckReference(shared)
    }

    /// Holds an equal check that others hold too in place of its own.
    mutating func share(_ shared: SharedCheck) {
        if shared.check == check { watched = CheckReference(shared) }
    }

    /// Takes the next closed cell and gives the verdict, nil while nothing stands and nothing ends.
    ///
    /// Points must come in order of time; one that is not newer than the last is passed over.
    package mutating func take(_ point: SignalPoint) -> Finding? {
        var windowed: WindowedValue?
        var steps = StepMillis()
        return passes(Cell(point), tuning, &windowed, &steps) ? nil : take(point, windowed)
    }

    /// Takes a cell that `passes` did not; `windowed` is the window's value when the cell is in it already.
    mutating func take(_ point: SignalPoint, _ windowed: WindowedValue?) -> Finding? {
        guard !point.isOfPart || check.measure.addsUp else { return nil }
        noteGap(before: point)
        lastPointAt = point.at
        guard let judgement = judge(point, windowed) else {
            unknownAt = point.at
            stand(point.span, of: point)
            return nil
        }
        if isOpen, !point.coverage.allowsClosing { unknownAt = point.at }
        lastValueAt = point.at
        let isQuietlyIdle = phase == .idle && !judgement.isBreach
        if !isQuietlyIdle || !shares.isEmpty || (tuning.kind == .sum && judgement.value > 0) {
            shares.take(point, check: check, isIdle: isQuietlyIdle)
        }
        if isQuietlyIdle { return nil }
        let finding = step(judgement, point)
        lastJudged = isOpen ? judgement : nil
        return finding
    }

    /// Most cells: healthy in a healthy window while nothing stands; or one that is not newer than the last.
    ///
    /// What it gives is what `judge` would come to; `windowed` is the window's value when the cell is in it already.
    ///
    /// - Parameter tuning: that of the check.
    @inline(__always)
    mutating func passes(
        _ cell: Cell, _ tuning: Tuning, _ windowed: inout WindowedValue?, _ steps: inout StepMillis
    ) -> Bool {
        if let lastPointAt, cell.at.millis <= lastPointAt.millis { return true }
        guard phase == .idle, isHealthy(cell, tuning, &windowed, &steps) else { return false }
        lastPointAt = cell.at
        lastValueAt = cell.at
        return true
    }

    @inline(__always)
    private mutating func isHealthy(
        _ cell: Cell, _ tuning: Tuning, _ windowed: inout WindowedValue?, _ steps: inout StepMillis
    ) -> Bool {
        guard !tuning.isMeasured, let value = cell.value, value.isFinite, let healthy = cell.valueIfMissingHealthy,
            !tuning.isBreach(value), !tuning.isBreach(healthy), shares.isEmpty
        else { return false }
        switch tuning.kind {
        case .point: return true
        case .sum: return value == 0 && window.isEmpty
        case .weighted:
            let whole = window.add(cell, value: value, ifMissingHealthy: healthy, tuning: tuning, steps: &steps)
            windowed = whole
            guard !tuning.isBreach(whole.value), !tuning.isBreach(whole.ifMissingHealthy) else { return false }
            guard tuning.lowVolumeMillis > 0 else { return true }
            // Errors of a window with events enough are judged by its ratio, which is healthy.
            guard value == 0 || whole.volume >= tuning.minimumVolume else { return false }
            noteRequests(cell, span: tuning.lowVolumeMillis)
            return true
        }
    }

    // MARK: Judging

    /// A point against the levels.
    struct Judgement: Sendable, Codable, Hashable {
        var value: Double
        var volume: Double
        /// Breaches even if all missing contributors were healthy, with enough volume.
        var isBreach: Bool
        /// Short of the leave level at sufficient coverage.
        var isRecovery: Bool
        /// Neither confirms nor refutes.
        var isUncertain: Bool
        var coverage: Coverage
        /// Holds, but not long enough for an opening yet, or is over already.
        var isEarly: Bool?
        /// Whether the run of good requests since the last bad one proves that it is over.
        var isRunProven: Bool?
        /// What the sentence tells beside the value.
        var reading: Reading?
    }

    private mutating func judge(_ point: SignalPoint, _ windowed: WindowedValue?) -> Judgement? {
        if tuning.isMeasured { return judgeMeasure(point) }
        guard let plain = judgeSignal(point, windowed) else {
            return tuning.lowVolumeMillis > 0 ? judgeLowVolume(point, otherwise: nil) : nil
        }
        guard tuning.lowVolumeMillis > 0 else { return tuning.isErrorRatio ? proven(plain) : plain }
        return judgeLowVolume(point, otherwise: plain)
    }

    private mutating func judgeSignal(_ point: SignalPoint, _ known: WindowedValue?) -> Judgement? {
        guard let value = point.value, value.isFinite, let healthy = point.valueIfMissingHealthy else {
            return judgeQuiet(point)
        }
        let windowed = known ?? add(point, value: value, ifMissingHealthy: healthy)
        let isSeen = check.isBreach(windowed.value)
        let isShort = check.isRecovery(windowed.value)
        var judgement = Judgement(
            value: windowed.value, volume: windowed.volume,
            isBreach: check.isBreach(windowed.ifMissingHealthy) && windowed.volume >= check.minimumVolume,
            isRecovery: isShort && point.coverage.allowsClosing,
            isUncertain: (isSeen && !check.isBreach(windowed.ifMissingHealthy))
                || (isShort && !point.coverage.allowsClosing), coverage: point.coverage)
        if isOpen { judgeRecovery(point, &judgement) } else { judgeRecent(point, value, &judgement) }
        return judgement
    }

    private mutating func add(_ point: SignalPoint, value: Double, ifMissingHealthy: Double) -> WindowedValue {
        var steps = StepMillis()
        return window.add(
            Cell(point), value: value, ifMissingHealthy: ifMissingHealthy, tuning: tuning, steps: &steps)
    }

    /// What the last cells add to a window's verdict before a finding stands.
    private func judgeRecent(_ point: SignalPoint, _ value: Double, _ judgement: inout Judgement) {
        guard check.direction == .above, check.holdFor > .zero,
            judgement.isBreach || phase == .pending || check.isBreach(value)
        else {
            return
        }
        let recent = window.recent(at: point.at, step: point.step, tuning: tuning)
        if judgement.isBreach {
            let cells = check.lateCells(of: point.step.wholeMilliseconds)
            let last = recent.last { $0.cells <= cells } ?? recent.first
            judgement.isEarly = last.map { !check.stillHolds($0.value) } ?? false
        } else if recent.contains(where: { check.provesAlone($0.value) }) || isBeyondSinceOnset(point) {
            judgement.isBreach = true
            judgement.isEarly = true
        }
    }

    /// Contributors reported, and there were no events: the window goes on without them.
    private mutating func judgeQuiet(_ point: SignalPoint) -> Judgement? {
        guard tuning.isWeightedByEvents, check.direction == .above, point.coverage.allowsClosing, point.volume == 0
        else { return nil }
        window.expire(before: point.at, windowMillis: tuning.windowMillis)
        guard tuning.windowMillis > 0, window.volume > 0 else {
            return Judgement(
                value: 0, volume: 0, isBreach: false, isRecovery: check.isRecovery(0), isUncertain: false,
                coverage: point.coverage)
        }
        let windowed = add(point, value: 0, ifMissingHealthy: 0)
        return Judgement(
            value: windowed.value, volume: windowed.volume,
            isBreach: check.isBreach(windowed.ifMissingHealthy) && windowed.volume >= check.minimumVolume,
            isRecovery: check.isRecovery(windowed.value), isUncertain: false, coverage: point.coverage)
    }

    // MARK: Moving

    private mutating func step(_ judgement: Judgement, _ point: SignalPoint) -> Finding? {
        switch phase {
        case .idle, .pending: approach(judgement, point)
        case .open, .leaving: depart(judgement, point)
        }
    }

    private mutating func approach(_ judgement: Judgement, _ point: SignalPoint) -> Finding? {
        guard judgement.isBreach else {
            if judgement.isUncertain || isDip(judgement, point) {
                stand(point.span, of: point)
            } else if !point.isOfPart {
                becomeIdle()
            }
            return nil
        }
        gapMillis = 0
        if phase == .idle {
            phase = .pending
            let lead = (point.at - point.knownAt).wholeMilliseconds
            onsetAt = breachStart(point) - .milliseconds(lead)
            onsetLead = lead == 0 ? nil : lead
            standingMillis = 0
            worstValue = nil
        }
        noteWorst(judgement.value)
        let onset = onsetAt ?? point.knownAt
        let held = point.at - onset - .milliseconds(standingMillis + (onsetLead ?? 0))
        guard held >= check.holdFor, judgement.isEarly != true else { return nil }
        phase = .open
        standingMillis = 0
        return finding(.opened, judgement, point, onset: onset)
    }

    /// Whether a value only dips: it is between the levels, for no more than a quarter of the time that breached.
    ///
    /// What varies about a value beyond `enter` would else hardly ever hold for `holdFor`.
    private func isDip(_ judgement: Judgement, _ point: SignalPoint) -> Bool {
        guard phase == .pending, let onsetEnd, !check.isBreach(judgement.value), !check.isRecovery(judgement.value)
        else { return false }
        let breached = (point.at - onsetEnd).wholeMilliseconds - standingMillis - point.span
        return standingMillis + point.span <= max(point.span, breached / 4)
    }

    private mutating func depart(_ judgement: Judgement, _ point: SignalPoint) -> Finding? {
        let onset = onsetAt ?? point.knownAt
        if judgement.isRecovery, point.isOfPart {
            // What is known of a part refutes nothing.
        } else if judgement.isRecovery {
            gapMillis = 0
            if phase == .open {
                phase = .leaving
                leavingSince = point.at
                standingMillis = 0
            }
            // What proves it later may prove it for longer.
            let start = max(recoveryStart(point, judgement), min(onset, point.at))
            leavingSince = leavingSince.map { min($0, start) }
            let since = leavingSince ?? point.at
            if point.at - since - .milliseconds(standingMillis) >= check.leaveFor {
                let closed = finding(.closed, judgement, point, onset: onset)
                forget(before: since, point, judgement.reading)
                becomeIdle()
                return closed
            }
        } else if judgement.isUncertain, !check.isBreach(judgement.value) {
            stand(point.span, of: point)
        } else {
            phase = .open
            leavingSince = nil
            standingMillis = 0
        }
        noteWorst(judgement.value)
        return finding(.ongoing, judgement, point, onset: onset)
    }

    private mutating func becomeIdle() {
        phase = .idle
        onsetAt = nil
        onsetLead = nil
        leavingSince = nil
        worstValue = nil
        standingMillis = 0
        gapMillis = 0
    }

    /// Cells that never came stop the clock like cells without a value.
    private mutating func noteGap(before point: SignalPoint) {
        guard let lastPointAt, !point.isOfPart else { return }
        let missing = (point.at - lastPointAt - point.step).wholeMilliseconds
        guard missing > 0 else { return }
        unknownAt = point.at - point.step
        stand(missing, of: point)
    }

    private mutating func stand(_ millis: Int64, of point: SignalPoint) {
        guard phase == .pending || phase == .leaving else { return }
        standingMillis += millis
        gapMillis += millis
        let gapMax = max(check.holdFor, point.step * 5).wholeMilliseconds
        if phase == .pending, gapMillis > gapMax { becomeIdle() }
    }

    private mutating func noteWorst(_ value: Double) {
        guard let worst = worstValue else {
            worstValue = value
            return
        }
        worstValue = check.direction == .above ? max(worst, value) : min(worst, value)
    }
}

extension SignalPoint {
    /// Milliseconds of the grid that it stands for; a part of a cell for none, since the cell itself comes too.
    fileprivate var span: Int64 { isOfPart ? 0 : step.wholeMilliseconds }
}

extension Check {
    /// Whether a value is at or beyond `enter`.
    func isBreach(_ value: Double) -> Bool {
        direction == .above ? value >= enter : value <= enter
    }

    /// How many cells, or buckets of them, must breach by themselves when a finding opens: the later half of `holdFor`,
    /// a minute at most.
    func lateCells(of millis: Int64) -> Int {
        max(1, Int(min(60_000, holdFor.wholeMilliseconds / 2) / max(1, millis)))
    }

    /// Whether the last cells breach too, so that a burst which is over opens nothing.
    func stillHolds(_ recent: WindowedValue) -> Bool {
        guard isBreach(recent.value) else { return false }
        guard signal == .errorRatio else { return true }
        return BinomialTail.atLeast(recent.value * recent.volume, of: recent.volume, share: leave) <= 0.05
    }

    /// Whether some cells alone prove a breach of a windowed ratio or mean.
    func provesAlone(_ recent: WindowedValue) -> Bool {
        guard isBreach(recent.ifMissingHealthy), recent.volume >= min(minimumVolume / 5, 20) else { return false }
        guard signal == .errorRatio else { return recent.ifMissingHealthy >= enter * 2 }
        let errors = recent.value * recent.volume
        let events = errors / recent.ifMissingHealthy
        return BinomialTail.atLeast(errors, of: events, share: enter) <= 0.01
    }

    /// Whether a value is short of `leave`.
    func isRecovery(_ value: Double) -> Bool {
        direction == .above ? value < leave : value > leave
    }
}

import Signals
package import Telemetry

extension ThresholdDetector {
    /// Contributors in a finding at most.
    static let contributorsMax = 8

    func finding(_ phase: Finding.Phase, _ judgement: Judgement, _ point: SignalPoint, onset: Timestamp) -> Finding {
        let contributions = shares.contributions(of: point, check: check)
        let affected = affected(contributions, point, judgement)
        let total = point.coverage.expected
        let explanation = Explanation(
            check: check, at: point.knownAt, onset: onset, value: judgement.value, worst: worstValue ?? judgement.value,
            volume: judgement.volume, affected: affected, coverage: point.coverage, reading: judgement.reading)
        return Finding(
            subject: subject, check: check, phase: phase, at: point.knownAt, onsetAt: onset, value: judgement.value,
            worstValue: worstValue ?? judgement.value, threshold: phase == .closed ? check.leave : check.enter,
            volume: judgement.volume, affected: affected, total: total, coverage: point.coverage,
            contributors: Array(contributions.prefix(Self.contributorsMax)),
            explanation: phase == .closed
                ? explanation.closed(since: min(leavingSince ?? point.at, point.knownAt)) : explanation.standing)
    }

    /// Ends an open finding without a recovery, because the subject is gone or the check is; nil when nothing stands.
    package mutating func abandon(at time: Timestamp, because reason: String) -> Finding? {
        guard isOpen, let onset = onsetAt else { return nil }
        let value = lastJudged?.value ?? worstValue ?? check.enter
        let coverage = Coverage(present: 0, expected: lastJudged?.coverage.expected ?? 0)
        let finding = Finding(
            subject: subject, check: check, phase: .closed, at: time, onsetAt: onset, value: value,
            worstValue: worstValue ?? value, threshold: check.leave, volume: 0, affected: 0, total: coverage.expected,
            coverage: coverage, contributors: [], explanation: reason)
        self = ThresholdDetector(subject: subject, shared: shared)
        return finding
    }
}

/// The sentence of a finding.
struct Explanation: Sendable {
    let check: Check
    let at: Timestamp
    let onset: Timestamp
    let value: Double
    let worst: Double
    let volume: Double
    let affected: Int
    let coverage: Coverage
    var reading: Reading?

    /// The sentence of a finding that stands.
    ///
    /// Error ratio 12.4 % of 812 requests over 5m, above 5 % since 02:10:30Z (2 of 3 pods in breach).
    var standing: String {
        if let sentence = readingSentence { return sentence }
        if let states = plainWords.states {
            guard check.isBreach(value) else {
                return "\(value == 0 ? states.zero : states.one) again; onset \(time(onset)), not yet closed."
            }
            return "\(value == 0 ? states.zero : states.one) since \(time(onset)) (\(scope)\(coverageNote))."
        }
        let sentence = "\(measured), \(level(value, check.enter)) since \(time(onset)) (\(scope)\(coverageNote))"
        return sentence + quantileNote + "."
    }

    /// The sentence of a finding that closes by a recovery.
    ///
    /// Error ratio 0.8 % of 900 requests over 5m, below 2.5 % since 02:25:00Z; onset 02:10:30Z, at worst 34 %.
    func closed(since: Timestamp) -> String {
        if let states = plainWords.states {
            return "\(value == 0 ? states.zero : states.one) again since \(time(since)); onset \(time(onset))."
        }
        let back = check.direction == .above ? "below" : "above"
        let recovered = "\(measured), \(back) \(text(check.leave)) since \(time(since))"
        return "\(recovered); onset \(time(onset)), at worst \(text(worst))."
    }

    private var measured: String {
        let words = plainWords
        var sentence = "\(words.title) \(text(value))"
        if let events = words.events { sentence += " of \(FigureText.figure(volume.rounded())) \(events)" }
        if case .quantile(let quantile)? = reading {
            sentence += " over \(FigureText.duration(.seconds(quantile.seconds)))"
        } else if case .recent(_, let seconds)? = reading {
            sentence += " over \(FigureText.duration(.seconds(seconds)))"
        } else if check.window > .zero, WindowKind(check.signal) != .point, check.measure == .signal {
            sentence += " over \(FigureText.duration(check.window))"
        }
        return sentence
    }

    /// Of a quantile: how many requests are beyond the level, and the bounds that the last cell's value lies between.
    ///
    /// : 7.2 % took longer; the last 10s had it between 1.79 s and 2.15 s
    private var quantileNote: String {
        guard case .quantile(let quantile)? = reading else { return "" }
        let share = "\(FigureText.figure(quantile.slowShare * 100)) %"
        let cell = FigureText.duration(.seconds(quantile.cellSeconds))
        var longer = "took longer"
        if let times = check.timesUsual, let usual = quantile.usual {
            let level = FigureText.seconds(max(check.enter, times * usual))
            longer += " than \(level), usual at this hour is \(FigureText.seconds(usual))"
        }
        let lower = FigureText.seconds(quantile.lower)
        guard let upper = quantile.upper else {
            return ": \(share) \(longer); the last \(cell) had it beyond \(lower)"
        }
        let range = upper > 0 ? "; the last \(cell) had it between \(lower) and \(FigureText.seconds(upper))" : ""
        return ": \(share) \(longer)\(range)"
    }

    private func level(_ value: Double, _ level: Double) -> String {
        let isAbove = check.direction == .above
        if value == level { return "at the limit of \(text(level))" }
        // Between the levels, and in a recovery that has not held yet, the value is on the good side of the limit.
        guard check.isBreach(value) else {
            return "now \(isAbove ? "below" : "above") the limit of \(text(level)), which it passed"
        }
        return "\(isAbove ? "above" : "below") \(text(level))"
    }

    var scope: String {
        let words = SignalWords(check.signal)
        let verb = WindowKind(check.signal) == .sum ? "affected" : "in breach"
        return "\(affected) of \(coverage.expected) \(words.contributors) \(verb)"
    }

    var coverageNote: String {
        coverage.present < coverage.expected ? "; \(coverage.expected - coverage.present) not reporting" : ""
    }

    func text(_ value: Double) -> String { FigureText.value(value, of: check.valueSignal) }

    /// Words of what the value is, which is the signal only where the measure is the plain one.
    private var plainWords: SignalWords { SignalWords(check.valueSignal) }

    func time(_ timestamp: Timestamp) -> String { FigureText.time(timestamp, day: at) }
}

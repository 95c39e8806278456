import ConfigurationKit
import Detection
import Signals

/// Reads how a check's value comes from its signal: the sections `burnRate`, `timeToExhaustion`, `deviation`, `shift`
/// and `surprise`, of which a check has one at most, and `lowVolume`.
struct MeasureReader {
    /// The mapping of the check.
    let section: Section
    /// What an absent key means.
    let base: Check
    /// Whether this is an override, which keeps the check's measure.
    let isOverride: Bool

    /// Keys of the sections, for the places of what they say.
    static let keys = ["burnRate", "timeToExhaustion", "deviation", "shift", "surprise", "lowVolume"]

    private static let windows: ClosedRange<Duration> = .seconds(10) ... .seconds(7 * 86_400)

    /// The measure that the mapping asks for.
    func measure() -> Measure {
        let found = [burnRate(), timeToExhaustion(), deviation(), shift(), surprise()].compactMap { $0 }
        let written = Self.keys.filter { $0 != "lowVolume" && section.has($0) }
        if written.count > 1, let last = written.last {
            section.report(last, "a check has one measure; '\(written[0])' is another")
        }
        guard let measure = found.first else { return base.measure }
        if isOverride, measure.key != base.measure.key, let key = measure.key {
            section.report(key, "the check '\(base.name)' has another measure; an override keeps it")
            return base.measure
        }
        return measure
    }

    /// The test for quiet services that the mapping asks for.
    func lowVolume() -> LowVolume? {
        let known = base.lowVolume ?? LowVolume()
        let test = section.optionalSection(
            "lowVolume",
            doc(
                "of `error_ratio` alone: what decides while the window has less than `minimumVolume`, so that a quiet service"
                    + " is not unwatched: a breach is a number of errors that chance does not explain."
            )
        ) { section in
            LowVolume(
                confidence: section.value(
                    "confidence", .ratio, default: known.confidence,
                    "So sure must it be that the ratio is beyond the level (bound of Clopper and Pearson)."),
                window: section.value(
                    "window", .duration(in: Self.windows), default: known.window, "How far back it looks."),
                enoughErrors: section.value(
                    "enoughErrors", .number(in: 1...1e6), default: known.enoughErrors,
                    "So many errors at a ratio beyond the level need no bound."))
        }
        guard let test else { return base.lowVolume }
        if test.confidence >= 1 { section.report("lowVolume", "'confidence' must be less than 100%") }
        requireErrorRatio("lowVolume")
        return test
    }

    // MARK: Measures

    private func burnRate() -> Measure? {
        var known = BurnRate(objective: 0.99, long: .seconds(3600), short: .seconds(300))
        if case .burnRate(let own) = base.measure { known = own }
        let budget = section.optionalSection(
            "burnRate",
            doc(
                "of `error_ratio` alone: the level is how many times faster than allowed an error budget is spent, in both"
                    + " windows."
            )
        ) { section in
            BurnRate(
                objective: section.value(
                    "objective", .ratio, default: known.objective, "Share of requests that shall succeed."),
                long: section.value(
                    "long", .duration(in: Self.windows), default: known.long, "The window that tells that it matters."),
                short: section.value(
                    "short", .duration(in: Self.windows), default: known.short,
                    "The window that tells that it still goes on; shorter than `long`."))
        }
        guard let budget else { return nil }
        if budget.objective >= 1 { section.report("burnRate", "an 'objective' of 100% leaves no budget to burn") }
        if budget.short >= budget.long { section.report("burnRate", "'short' must be shorter than 'long'") }
        requireErrorRatio("burnRate")
        return .burnRate(budget)
    }

    private func timeToExhaustion() -> Measure? {
        var known = Exhaustion()
        if case .timeToExhaustion(let own) = base.measure { known = own }
        let rule = section.optionalSection(
            "timeToExhaustion",
            doc(
                "of ratios alone: the level is a duration, the time until the growing share is used up; the check says"
                    + " `below`."
            )
        ) { section in
            var rule = known
            rule.limit = section.value("limit", .ratio, default: known.limit, "The share at which it is used up.")
            rule.minimumLevel = section.value(
                "minimumLevel", .ratio, default: known.minimumLevel, "Below this share nothing is said.")
            rule.minimumGrowth = section.value(
                "minimumGrowth", .ratio, default: known.minimumGrowth,
                "Growth over the time looked at, 20 min to 2 h, must be at least this.")
            rule.warmUp = section.value(
                "warmUp", .duration(in: .zero ... .seconds(86_400)), default: known.warmUp,
                "This long after a start nothing is looked at: classes, caches and pools fill up.")
            return rule
        }
        guard let rule else { return nil }
        if let unit = SignalDescription.of(base.signal)?.unit, unit != .ratio {
            section.report("timeToExhaustion", "the signal '\(base.signal)' is no share of anything")
        }
        return .timeToExhaustion(rule)
    }

    private func deviation() -> Measure? {
        var known = Baseline()
        if case .deviation(let own) = base.measure { known = own }
        let text =
            "the level is how many usual spreads the signal is away from what is usual at this hour, learned over days;"
            + " such a finding alone is P3 at most."
        return adaptive("deviation", known, text, side: "Whether more, less or either is unusual.").map(
            Measure.deviation)
    }

    private func surprise() -> Measure? {
        var known = Baseline()
        if case .surprise(let own) = base.measure { known = own }
        let text =
            "the level is how odd the course of the signal is, as a multiple of what is told of (docs/detection.md); such"
            + " a finding alone is P3 at most."
        return adaptive("surprise", known, text, side: "Whether more, less or either counts.").map(Measure.surprise)
    }

    private func shift() -> Measure? {
        var known = LevelShift()
        if case .shift(let own) = base.measure { known = own }
        let text =
            "the level is how many usual spreads the last quarter of an hour is away from the hour before; such a finding"
            + " alone is P3 at most."
        let rule = adaptive(
            "shift", Baseline(side: known.side, minimumRatio: known.minimumRatio), text,
            side: "Whether a rise, a fall or either counts.", isLearned: false)
        return rule.map { .shift(LevelShift(side: $0.side, minimumRatio: $0.minimumRatio)) }
    }

    /// A section of an adaptive measure: which side counts, and what is too little to be told of.
    ///
    /// - Parameter isLearned: whether the value is compared with what is usual, not with the time before.
    private func adaptive(
        _ key: String, _ known: Baseline, _ text: String, side: String, isLearned: Bool = true
    ) -> Baseline? {
        let compared = isLearned ? "Value and usual" : "The levels before and after"
        return section.optionalSection(key, doc(text)) { section in
            var rule = known
            rule.side = section.value("side", .choice(), default: known.side, side)
            rule.minimumRatio = section.value(
                "minimumRatio", .number(in: 1...1e6), default: known.minimumRatio,
                "\(compared) must differ at least by this factor.")
            if isLearned { rule.minimumValue = minimumValue(section) ?? known.minimumValue }
            return rule
        }
    }

    /// In the unit of the signal, although the check's levels have the measure's.
    private func minimumValue(_ section: Section) -> Double? {
        let written = section.deferred(
            "minimumValue", typeName: "level", schema: CheckReader.levelSchema,
            "The greater of value and usual must be at least this, in the signal's unit.")
        guard let written, let unit = SignalDescription.of(base.signal)?.unit else { return nil }
        return unit.level(written, in: section)
    }

    // MARK: Inside

    private func requireErrorRatio(_ key: String) {
        guard base.signal != .errorRatio, !base.signal.rawValue.isEmpty else { return }
        section.report(key, "is for the signal 'error_ratio', not for '\(base.signal)'")
    }

    private func doc(_ text: String) -> String {
        isOverride ? "In place of the check's: \(text)" : text.prefix(1).uppercased() + text.dropFirst()
    }
}

extension Measure {
    /// The key of the section that asks for it; nil for the plain one.
    var key: String? {
        switch self {
        case .signal: nil
        case .burnRate: "burnRate"
        case .timeToExhaustion: "timeToExhaustion"
        case .deviation: "deviation"
        case .shift: "shift"
        case .surprise: "surprise"
        }
    }

    /// The direction that its values can be bad in, nil for either.
    var direction: Check.Direction? {
        switch self {
        case .signal: nil
        case .timeToExhaustion: .below
        case .burnRate, .deviation, .shift, .surprise: .above
        }
    }
}

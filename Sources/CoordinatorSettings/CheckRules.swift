import ConfigurationKit
import Detection

/// What makes no sense in a check, although each value is well formed.
struct CheckRules {
    /// Length of a signal's cell, nil when unknown.
    let step: Duration?

    func check(_ check: Check, unit: SignalUnit, section: Section, enter: DeferredValue?, leave: DeferredValue?) {
        checkLevels(check, unit: unit, section: section, enter: enter, leave: leave)
        guard let signal = SignalDescription.of(check.signal) else { return }
        if let direction = check.measure.direction, direction != check.direction, let key = check.measure.key {
            section.report(
                check.direction.rawValue, "'\(key)' is bad on the other side", suggestion: direction.rawValue)
        }
        if section.has("minimumVolume"), check.minimumVolume > 0, !signal.hasVolume {
            section.report("minimumVolume", "the signal '\(check.signal)' has no volume, so the check could never open")
        }
        checkUsual(check, section)
        checkWindow(check, signal, section)
        checkReach(check, signal, section)
        guard let step else { return }
        for (key, value) in [("for", check.holdFor), ("window", check.window), ("leaveFor", check.leaveFor)]
        where section.has(key) && value > .zero && value < step {
            section.report(
                key, value: DurationText.format(value),
                "is shorter than a cell of the signal, \(DurationText.format(step))",
                level: .warning)
        }
    }

    /// Warns of a check that can never open, or hardly ever; of an override only where it has a part in that.
    private func checkReach(_ check: Check, _ signal: SignalDescription, _ section: Section) {
        func warn(_ keys: [String], _ reason: String) {
            if let key = keys.first(where: section.has) { section.report(key, reason, level: .warning) }
        }
        if case .burnRate(let budget) = check.measure, budget.objective < 1 {
            // 1 - 0.99 is a little more than 0.01.
            let fastest = (1 / (1 - budget.objective) * 1e6).rounded() / 1e6
            if check.enter > fastest {
                let objective = SignalUnit.ratio.format(budget.objective)
                let most = SignalUnit.count.format(fastest)
                warn(
                    ["above", "burnRate"],
                    "can never be reached: with an objective of \(objective) the fastest burn is \(most)")
            }
        }
        if case .timeToExhaustion(let rule) = check.measure, rule.minimumGrowth >= rule.limit {
            warn(["timeToExhaustion"], "can never open: 'minimumGrowth' is all that there is to grow")
        }
        if check.measure == .signal, signal.isSummed, check.direction == .above,
            check.holdFor > max(check.window, step ?? .zero)
        {
            warn(
                ["for", "window"],
                "'for' is longer than the window: events leave it before they have held that long, so it opens only"
                    + " while more come")
        }
        if check.lowVolume != nil, check.minimumVolume <= 0 {
            warn(["lowVolume", "minimumVolume"], "has no effect: without 'minimumVolume' no volume is low")
        }
    }

    /// What is usual is compared with quantiles alone, and must itself be a recovery.
    private func checkUsual(_ check: Check, _ section: Section) {
        guard section.has("timesUsual"), let times = check.timesUsual else { return }
        if check.signal.quantileShare == nil || check.direction != .above || check.measure != .signal {
            section.report("timesUsual", "is for latency quantiles with 'above'")
        } else if check.leave * times <= check.enter {
            section.report(
                "timesUsual",
                "'leave' must be more than 'above' divided by it, else what is usual is never a recovery")
        }
    }

    private func checkWindow(_ check: Check, _ signal: SignalDescription, _ section: Section) {
        guard section.has("window"), check.window > .zero else { return }
        switch check.measure {
        // The span over which the signal is smoothed before it is compared.
        case .deviation: return
        case .signal where signal.hasWindow: return
        case .signal:
            section.report(
                "window", "has no effect: the signal '\(check.signal)' is taken cell by cell", level: .warning)
        case .burnRate, .timeToExhaustion, .shift, .surprise:
            section.report("window", "has no effect: the check's measure has windows of its own", level: .warning)
        }
    }

    private func checkLevels(
        _ check: Check, unit: SignalUnit, section: Section, enter: DeferredValue?, leave: DeferredValue?
    ) {
        let shown = unit.format(check.enter)
        switch check.direction {
        case .above:
            if let enter, check.enter <= 0 {
                section.report(enter, "every value is at or above \(shown): the check would always be open")
            }
            guard check.leave > check.enter else { return }
        case .below:
            if let enter, unit == .ratio, check.enter >= 1 {
                section.report(
                    enter, "every value is at or below \(shown): the check would always be open", suggestion: "99.9%")
            }
            guard check.leave < check.enter else { return }
        }
        let side = check.direction == .above ? "at or below" : "at or above"
        let reason =
            "'leave' (\(unit.format(check.leave))) must be \(side) the level (\(shown)): a value between would open and close at once"
        if let place = leave ?? enter { section.report(place, reason) } else { section.report(nil, reason) }
    }
}

import ConfigurationKit
import Detection

/// What makes no sense in a check, although each value is well formed.
struct CheckRules {
    /// Length of a signal's cell, nil when unknown.
    let step: Duration?

    func check(_ check: Check, unit: SignalUnit, section: Section, enter: DeferredValue?, leave: DeferredValue?) {
        checkLevels(check, unit: unit, section: section, enter: enter, leave: leave)
        guard let signal = SignalDescription.of(check.signal) else { return }
        if section.has("minimumVolume"), check.minimumVolume > 0, !signal.hasVolume {
            section.report("minimumVolume", "the signal '\(check.signal)' has no volume, so the check could never open")
        }
        if section.has("window"), check.window > .zero, !signal.hasWindow {
            section.report(
                "window", "has no effect: the signal '\(check.signal)' is taken cell by cell", level: .warning)
        }
        guard let step else { return }
        for (key, value) in [("for", check.holdFor), ("window", check.window), ("leaveFor", check.leaveFor)]
        where section.has(key) && value > .zero && value < step {
            section.report(
                key, value: DurationText.format(value),
                "is shorter than a cell of the signal, \(DurationText.format(step))",
                level: .warning)
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

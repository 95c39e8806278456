package import ConfigurationKit
import Detection
import Signals

/// One value of a check as it stands in force, with its place.
package struct EffectiveValue: Hashable, Sendable {
    /// The key as in the file, such as `above`.
    package var key: String
    /// The value as it would stand in a file.
    package var text: String
    /// Where it is written; nil for a default.
    package var origin: Origin?
}

extension ThresholdSettings.ConfiguredCheck {
    /// All values in the order of the reference, those left out that say nothing.
    package var values: [EffectiveValue] {
        var values: [EffectiveValue] = []
        func add(_ key: String, _ text: String?) {
            if let text { values.append(EffectiveValue(key: key, text: text, origin: origins[key])) }
        }
        let unit = SignalUnit(ofLevelsOf: check)
        func level(_ value: Double) -> String { unit?.format(value) ?? "\(value)" }
        func duration(_ duration: Duration) -> String { duration == .zero ? "0" : DurationText.format(duration) }
        add("family", check.family.rawValue)
        add("group", check.group)
        add("title", check.title)
        add("signal", check.signal.rawValue)
        add(check.direction.rawValue, level(check.enter))
        add("leave", level(check.leave))
        add("for", duration(check.holdFor))
        add("leaveFor", duration(check.leaveFor))
        add("window", duration(check.window))
        add("minimumVolume", SignalUnit.count.format(check.minimumVolume))
        add("timesUsual", check.timesUsual.map(SignalUnit.count.format))
        if let key = check.measure.key { add(key, check.measure.text(of: SignalDescription.of(check.signal)?.unit)) }
        add("lowVolume", check.lowVolume?.text)
        add("enabled", isEnabled ? "true" : "false")
        return values
    }
}

extension Measure {
    /// The section as it would stand in a file; nil for the plain one.
    ///
    /// - Parameter unit: that of the signal.
    fileprivate func text(of unit: SignalUnit?) -> String? {
        let ratio = SignalUnit.ratio.format
        let number = SignalUnit.count.format
        switch self {
        case .signal: return nil
        case .burnRate(let budget):
            let long = DurationText.format(budget.long)
            return "{objective: \(ratio(budget.objective)), long: \(long), short: \(DurationText.format(budget.short))}"
        case .timeToExhaustion(let rule):
            return "{limit: \(ratio(rule.limit)), minimumLevel: \(ratio(rule.minimumLevel)), "
                + "minimumGrowth: \(ratio(rule.minimumGrowth)), warmUp: \(DurationText.format(rule.warmUp))}"
        case .deviation(let rule), .surprise(let rule):
            var least = ""
            if let unit, rule.minimumValue > 0 { least = ", minimumValue: \(unit.format(rule.minimumValue))" }
            return "{side: \(rule.side.rawValue), minimumRatio: \(number(rule.minimumRatio))\(least)}"
        case .shift(let rule):
            return "{side: \(rule.side.rawValue), minimumRatio: \(number(rule.minimumRatio))}"
        }
    }
}

extension LowVolume {
    /// The section as it would stand in a file.
    fileprivate var text: String {
        "{confidence: \(SignalUnit.ratio.format(confidence)), window: \(DurationText.format(window)), "
            + "enoughErrors: \(SignalUnit.count.format(enoughErrors))}"
    }
}

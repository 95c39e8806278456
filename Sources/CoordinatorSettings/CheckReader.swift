import ConfigurationKit
import Detection

/// Reads what both a check and an override of one may say.
struct CheckReader {
    /// The mapping of the check.
    let section: Section
    /// What an absent key means.
    let base: Check
    /// Whether this is an override, whose absent keys have the check's values.
    let isOverride: Bool
    /// Length of a signal's cell, nil when unknown.
    let step: Duration?

    /// A level is a number or text, by signal.
    static let levelSchema = JSONValue.record(["type": .array([.string("number"), .string("string")])])
    /// Bounds of durations in checks.
    static let holds: ClosedRange<Duration> = .zero ... .seconds(7 * 86_400)

    private static let keys =
        [
            "family", "group", "title", "signal", "above", "below", "leave", "for", "leaveFor", "window",
            "minimumVolume", "timesUsual", "enabled",
        ] + MeasureReader.keys

    /// The levels as they are written.
    private struct Levels {
        var above: DeferredValue?
        var below: DeferredValue?
        var leave: DeferredValue?
    }

    /// Reads the mapping.
    ///
    /// - Parameters:
    ///   - isEnabled: whether the check runs where the mapping does not say.
    ///   - origins: places of the values that an override keeps.
    func read(isEnabled: Bool, origins: [String: Origin]) -> ThresholdSettings.ConfiguredCheck {
        var check = base
        let levels = declareLevels()
        check.holdFor = duration("for", base.holdFor, "how long the breach must hold; `0` opens at once.")
        check.leaveFor = duration("leaveFor", base.leaveFor, "how long the recovery must hold.")
        check.window = duration(
            "window", base.window,
            "span over which the value is taken, averaged by volume or summed, by signal; `0` is the single cell.")
        check.minimumVolume = value(
            "minimumVolume", .number(in: 0...1e9), base.minimumVolume, "below this volume in the window nothing opens.")
        let measures = MeasureReader(section: section, base: base, isOverride: isOverride)
        check.measure = measures.measure()
        check.lowVolume = measures.lowVolume()
        check.timesUsual =
            section.optional(
                "timesUsual", .number(in: 1...1e6),
                doc(
                    "of a latency quantile alone: only what is also beyond so many times what is usual at the hour of the day is"
                        + " slow; an hour is known from the day after its first one on, and opens nothing before.")
            ) ?? base.timesUsual
        let enabled = value("enabled", .boolean, isEnabled, "whether the check runs.")
        apply(levels, to: &check)
        var places = origins
        for key in Self.keys { places[key] = section.origin(of: key) ?? places[key] }
        return ThresholdSettings.ConfiguredCheck(check: check, isEnabled: enabled, origins: places)
    }

    private func declareLevels() -> Levels {
        func level(_ key: String, _ text: String, _ more: String = "") -> DeferredValue? {
            let doc = doc(text) + (isOverride ? "" : more)
            return section.deferred(key, typeName: "level", schema: Self.levelSchema, doc)
        }
        return Levels(
            above: level(
                "above", "bad is a value at or above this level, written in the signal's unit.",
                " Exactly one of `above` and `below`."),
            below: level("below", "bad is a value at or below this level."),
            leave: level(
                "leave", "a value short of this is a recovery; between the two levels nothing changes.",
                " Default: the level itself."))
    }

    private func apply(_ levels: Levels, to check: inout Check) {
        guard let unit = SignalUnit(ofLevelsOf: check), let (direction, level) = direction(levels) else { return }
        check.direction = direction
        if let level {
            guard let enter = unit.level(level, in: section) else { return }
            check.enter = enter
            if !isOverride { check.leave = enter }
        }
        if let leave = levels.leave {
            guard let value = unit.level(leave, in: section) else { return }
            check.leave = value
        }
        CheckRules(step: step).check(check, unit: unit, section: section, enter: level, leave: levels.leave)
    }

    /// The direction and the level as written, without a level when an override keeps the check's; nil after a report.
    private func direction(_ levels: Levels) -> (Check.Direction, DeferredValue?)? {
        switch (levels.above, levels.below) {
        case (.some, .some):
            section.report("below", "'above' and 'below' exclude each other")
            return nil
        case (nil, nil):
            // A level that is there and wrong was reported where it was read.
            guard !section.has("above"), !section.has("below") else { return nil }
            if isOverride { return (base.direction, nil) }
            section.reportMissing("above", because: "a check has a level: 'above' or 'below'")
            return nil
        case (let level?, nil): return checked(.above, level)
        case (nil, let level?): return checked(.below, level)
        }
    }

    private func checked(_ direction: Check.Direction, _ level: DeferredValue) -> (Check.Direction, DeferredValue?)? {
        guard isOverride, direction != base.direction else { return (direction, level) }
        section.report(
            direction.rawValue,
            "the check '\(base.name)' says '\(base.direction.rawValue)'; an override cannot turn it round",
            suggestion: base.direction.rawValue)
        return nil
    }

    private func duration(_ key: String, _ fallback: Duration, _ text: String) -> Duration {
        value(key, .duration(in: Self.holds), fallback, text)
    }

    private func value<Value>(_ key: String, _ type: ValueType<Value>, _ fallback: Value, _ text: String) -> Value {
        isOverride
            ? section.optional(key, type, doc(text)) ?? fallback
            : section.value(key, type, default: fallback, doc(text))
    }

    private func doc(_ text: String) -> String {
        isOverride ? "In place of the check's: \(text)" : text.prefix(1).uppercased() + text.dropFirst()
    }
}

extension SignalUnit {
    /// Reads a level as it is written, nil after a report.
    func level(_ value: DeferredValue, in section: Section) -> Double? {
        do throws(ValueProblem) {
            return try parse(value.text)
        } catch {
            section.report(value, error.reason, suggestion: error.suggestion)
            return nil
        }
    }
}

package import Signals

/// Attribute of a check: which of the runbook's kinds of trouble it speaks of.
package enum Family: String, Sendable, Codable, CaseIterable {
    case errorRate = "error-rate"
    case latency
    case memory
    case database
    case availability
    case security
    case fleet
}

/// A threshold on a measure of a signal, with enter and leave levels, as `thresholds.yaml` gives it.
package struct Check: Hashable, Sendable, Codable {
    /// Which side of the level is bad.
    package enum Direction: String, Sendable, Codable, CaseIterable {
        case above
        case below
    }

    /// Unique name, such as `error-rate` or `oom-kill`.
    package var name: String
    /// Group that shares one incident per subject, such as `container-memory`.
    package var group: String
    /// The family.
    package var family: Family
    /// Short title for people, such as "High error rate".
    package var title: String
    /// The signal it watches.
    package var signal: SignalName
    /// Which side is bad.
    package var direction: Direction
    /// A value at or beyond this level is a breach.
    package var enter: Double
    /// A value short of this level is a recovery; between the two nothing changes.
    package var leave: Double
    /// How long the breach must hold before the finding opens; 0 opens on the first point.
    package var holdFor: Duration
    /// How long the recovery must hold before the finding closes.
    package var leaveFor: Duration
    /// The value is taken over this window ending at the point: volume-weighted for ratios and means, the sum for
    /// counts (`oom_kills`, `restarts`, `node_oom_kills`), the point itself for the rest.
    ///
    /// Zero means the point itself.
    package var window: Duration
    /// Below this volume in the window nothing opens.
    package var minimumVolume: Double
    /// How the value comes from the signal.
    package var measure: Measure
    /// For `error_ratio`: what decides while the window has less than the minimum volume; nil: nothing opens then.
    package var lowVolume: LowVolume?
    /// Of a quantile that is bad above: a request is slow only if it is also beyond so many times what is usual at the
    /// hour, and none is at an hour that is not known from a day before; nil: the level alone counts.
    package var timesUsual: Double?

    /// Makes a check.
    package init(
        name: String, group: String, family: Family, title: String, signal: SignalName, direction: Direction,
        enter: Double,
        leave: Double, holdFor: Duration, leaveFor: Duration, window: Duration = .zero, minimumVolume: Double = 0,
        measure: Measure = .signal, lowVolume: LowVolume? = nil, timesUsual: Double? = nil
    ) {
        self.name = name
        self.group = group
        self.family = family
        self.title = title
        self.signal = signal
        self.direction = direction
        self.enter = enter
        self.leave = leave
        self.holdFor = holdFor
        self.leaveFor = leaveFor
        self.window = window
        self.minimumVolume = minimumVolume
        self.measure = measure
        self.lowVolume = lowVolume
        self.timesUsual = timesUsual
    }

    /// Reads a check of this or an earlier form; throws `DecodingError` where a part that every form has is missing or
    /// wrong.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        group = try container.decode(String.self, forKey: .group)
        family = try container.decode(Family.self, forKey: .family)
        title = try container.decode(String.self, forKey: .title)
        signal = try container.decode(SignalName.self, forKey: .signal)
        direction = try container.decode(Direction.self, forKey: .direction)
        enter = try container.decode(Double.self, forKey: .enter)
        leave = try container.decode(Double.self, forKey: .leave)
        holdFor = try container.decode(Duration.self, forKey: .holdFor)
        leaveFor = try container.decode(Duration.self, forKey: .leaveFor)
        window = try container.decode(Duration.self, forKey: .window)
        minimumVolume = try container.decode(Double.self, forKey: .minimumVolume)
        // Snapshots from before there were measures have none.
        measure = try container.decodeIfPresent(Measure.self, forKey: .measure) ?? .signal
        lowVolume = try container.decodeIfPresent(LowVolume.self, forKey: .lowVolume)
        timesUsual = try container.decodeIfPresent(Double.self, forKey: .timesUsual)
    }
}

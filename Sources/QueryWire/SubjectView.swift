package import Telemetry

/// A workload, database, node or target with its signals, as `tocsin workload` shows it.
package struct SubjectView: Hashable, Sendable {
    /// Its cluster; empty for the coordinator's own.
    package var cluster: String
    /// "workload", "postgresql", "node", "agent" or "target".
    package var kind: String
    /// Path inside the cluster.
    package var path: String
    /// Its signals in the order of the reference.
    package var signals: [SignalView] = []
    /// Ids of its open incidents, worst first.
    package var incidents: [String] = []
    /// Level of the worst of them, nil for none.
    package var severity: String?

    /// Makes a subject without signals.
    package init(cluster: String, kind: String, path: String) {
        self.cluster = cluster
        self.kind = kind
        self.path = path
    }
}

/// One signal of a subject.
package struct SignalView: Hashable, Sendable {
    /// A pod, container or instance behind a signal.
    package struct Contributor: Hashable, Sendable {
        /// Pod, pod/container or instance.
        package var name: String
        /// Its own value.
        package var value: Double
        /// Its own volume, 0 where the signal has none.
        package var volume: Double

        /// Makes a contributor.
        package init(name: String, value: Double, volume: Double) {
            self.name = name
            self.value = value
            self.volume = volume
        }
    }

    /// Its name, such as `error_ratio`.
    package var name: String
    /// "ratio", "seconds", "bytes", "count" or "flag".
    package var unit: String
    /// End of the last cell.
    package var at: Timestamp
    /// Length of a cell.
    package var step: Duration
    /// The value in the last cell, nil without data.
    package var value: Double?
    /// Of an estimate, a quantile of buckets: the value is greater than this, or this is 0.
    package var lower: Double?
    /// And at most this; nil when it may be beyond the highest bound, which is then the value.
    package var upper: Double?
    /// Events behind the value, 0 where the signal has none.
    package var volume: Double = 0
    /// Contributors with data in the last cell.
    package var present = 0
    /// Contributors expected.
    package var expected = 0
    /// Values of the last cells, oldest first; NaN where there were no data.
    package var recent: [Float] = []
    /// The worst contributors, worst first; empty in lists.
    package var contributors: [Contributor] = []

    /// Makes a signal without values.
    package init(name: String, unit: String, at: Timestamp, step: Duration) {
        self.name = name
        self.unit = unit
        self.at = at
        self.step = step
    }
}

/// A check that runs, or would, for a subject: each value with its place.
package struct EffectiveCheckView: Hashable, Sendable {
    /// One key of a check.
    package struct Value: Hashable, Sendable {
        /// The key as in the file, such as `above`.
        package var key: String
        /// The value as it would stand in a file.
        package var value: String
        /// `FILE:LINE`, nil for a default.
        package var origin: String?

        /// Makes a value.
        package init(key: String, value: String, origin: String?) {
            self.key = key
            self.value = value
            self.origin = origin
        }
    }

    /// The check's name.
    package var name: String
    /// Whether it runs.
    package var isEnabled: Bool
    /// Pattern of the override that applies, nil for none.
    package var override: String?
    /// Its values in the order of the reference.
    package var values: [Value]

    /// Makes a check.
    package init(name: String, isEnabled: Bool, override: String?, values: [Value]) {
        self.name = name
        self.isEnabled = isEnabled
        self.override = override
        self.values = values
    }
}

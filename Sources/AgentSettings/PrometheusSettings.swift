package import ConfigurationKit
package import TargetSettings
package import Telemetry

/// What is taken of a Prometheus text.
package struct MetricSelection: Hashable, Sendable {
    /// Globs over metric names; a name that none fits is not taken.
    package var allow: [Glob]
    /// Series of one target; more are dropped and counted.
    package var seriesMax: Int

    /// Reads `allow` and `series`.
    init(_ section: Section) {
        allow = section.values(
            "allow", .glob, countMax: 200,
            "Metric names that are taken, such as `shop_orders_*`. Without any nothing but `probe_up` is known of the target."
        )
        seriesMax = section.value(
            "series", .integer(in: 1...20_000), default: 500,
            "Series of one target; of more, those that are known stay, new ones are dropped and counted.")
    }

    /// Whether a metric of this name is taken.
    package func takes(_ name: String) -> Bool { allow.contains { $0.matches(name) } }
}

/// Metrics in Prometheus' text format.
package struct PrometheusSettings: Hashable, Sendable {
    /// Name, unique among the Prometheus targets.
    package var name: String
    /// URL of the text.
    package var url: String
    /// Identity of what it speaks for, where the file gives one.
    package var labels: LabelSet
    /// What is taken.
    package var metrics: MetricSelection
    /// How often and how long.
    package var timing: ProbeTiming
    /// What to log in with; nil: nothing.
    package var credentials: TargetCredentials?
    /// Whom to trust.
    package var trust: TrustSettings

    /// Reads one entry of `prometheus`.
    init(_ section: Section, interval: Duration) {
        name = section.required("name", .name(), "Name of the target, unique among the Prometheus targets.")
        url = section.required("url", .url, "URL of the text, such as `http://127.0.0.1:9187/metrics`.")
        labels = TargetIdentity.read(section, name: name)
        metrics = MetricSelection(section)
        timing = ProbeTiming(section, interval: interval)
        trust =
            section.optionalSection(
                "trust", "Whom to trust under https. Default: the system's roots.", TrustSettings.init) ?? .system
        credentials = TargetCredentials.read(section, url: url, trust: trust)
        if metrics.allow.isEmpty {
            section.report(nil, "no metric is taken: 'allow' names none", level: .warning)
        }
    }
}

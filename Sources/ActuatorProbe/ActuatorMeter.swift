import PrometheusProbe
package import Telemetry

/// One of the meters that are read, with its names on both paths.
///
/// `docs/series.md` is the contract.
package struct ActuatorMeter: Sendable, Hashable {
    /// What a meter measures, and so which series it gives.
    package enum Kind: Sendable, Hashable {
        /// One value.
        case gauge
        /// A count; its Prometheus name ends in `_total`.
        case counter
        /// `_count`, `_sum` and `_max`.
        case timer
    }

    /// Name on `/metrics/{name}`.
    package var name: String
    /// Name on `/prometheus`, without a timer's suffix.
    package var prometheusName: String
    /// Names that other versions give the same series.
    package var aliases: [String] = []
    /// The kind.
    package var kind: Kind
    /// Labels kept of the Prometheus path.
    package var labels: Set<String> = []
    /// The tag whose values the JSON path asks for one by one.
    package var splitBy: String?
    /// The values of that tag that are asked for; empty: all that the meter shows.
    package var splitValues: [String] = []
    /// Whether its buckets are read, where the application has any: summed over all labels but the bound.
    var hasBuckets = false
    /// Tags with one fixed value that the JSON path puts in, since it does not show them.
    package var fixed: LabelSet = LabelSet()

    /// The meters, apart from memory pools and requests on the JSON path, which have their own reader there.
    package static let all: [ActuatorMeter] = [
        ActuatorMeter(
            name: "http.server.requests", prometheusName: "http_server_requests_seconds", kind: .timer,
            labels: ["outcome", "method", "status", "uri", "exception"], hasBuckets: true),
        ActuatorMeter(
            name: "jvm.memory.used", prometheusName: "jvm_memory_used_bytes", kind: .gauge, labels: ["area", "id"]),
        ActuatorMeter(
            name: "jvm.memory.committed", prometheusName: "jvm_memory_committed_bytes", kind: .gauge,
            labels: ["area", "id"]),
        ActuatorMeter(
            name: "jvm.memory.max", prometheusName: "jvm_memory_max_bytes", kind: .gauge, labels: ["area", "id"]),
        ActuatorMeter(
            name: "jvm.memory.usage.after.gc", prometheusName: "jvm_memory_usage_after_gc",
            aliases: ["jvm_memory_usage_after_gc_percent"], kind: .gauge, labels: ["area", "pool"],
            fixed: ["area": "heap", "pool": "long-lived"]),
        ActuatorMeter(
            name: "jvm.gc.overhead", prometheusName: "jvm_gc_overhead", aliases: ["jvm_gc_overhead_percent"],
            kind: .gauge),
        ActuatorMeter(
            name: "jvm.gc.pause", prometheusName: "jvm_gc_pause_seconds", kind: .timer,
            labels: ["action", "cause", "gc"]),
        ActuatorMeter(
            name: "jvm.gc.concurrent.phase.time", prometheusName: "jvm_gc_concurrent_phase_time_seconds", kind: .timer,
            labels: ["action", "cause", "gc"]),
        ActuatorMeter(name: "jvm.gc.live.data.size", prometheusName: "jvm_gc_live_data_size_bytes", kind: .gauge),
        ActuatorMeter(name: "jvm.gc.max.data.size", prometheusName: "jvm_gc_max_data_size_bytes", kind: .gauge),
        ActuatorMeter(
            name: "jvm.threads.live", prometheusName: "jvm_threads_live_threads", aliases: ["jvm_threads_live"],
            kind: .gauge),
        ActuatorMeter(name: "process.cpu.usage", prometheusName: "process_cpu_usage", kind: .gauge),
        ActuatorMeter(name: "process.uptime", prometheusName: "process_uptime_seconds", kind: .gauge),
        ActuatorMeter(name: "process.start.time", prometheusName: "process_start_time_seconds", kind: .gauge),
        hikari("", "", .gauge), hikari(".active", "_active", .gauge), hikari(".idle", "_idle", .gauge),
        hikari(".pending", "_pending", .gauge), hikari(".max", "_max", .gauge), hikari(".min", "_min", .gauge),
        hikari(".timeout", "_timeout_total", .counter),
        ActuatorMeter(
            name: "logback.events", prometheusName: "logback_events_total", kind: .counter, labels: ["level"],
            splitBy: "level",
            splitValues: ["error", "warn"]),
    ]

    private static func hikari(_ suffix: String, _ prometheusSuffix: String, _ kind: Kind) -> ActuatorMeter {
        ActuatorMeter(
            name: "hikaricp.connections" + suffix, prometheusName: "hikaricp_connections" + prometheusSuffix,
            kind: kind,
            labels: ["pool"], splitBy: "pool")
    }

    /// Series name of a Prometheus line to the meter and the name under which the series is kept.
    static let byPrometheusName: [String: (meter: ActuatorMeter, metric: String)] = {
        var names: [String: (meter: ActuatorMeter, metric: String)] = [:]
        for meter in all {
            for name in [meter.prometheusName] + meter.aliases {
                switch meter.kind {
                case .gauge, .counter: names[name] = (meter, meter.prometheusName)
                case .timer:
                    for suffix in ["_count", "_sum", "_max"] {
                        names[name + suffix] = (meter, meter.prometheusName + suffix)
                    }
                    if meter.hasBuckets { names[name + "_bucket"] = (meter, meter.prometheusName + "_bucket") }
                }
            }
        }
        return names
    }()
}

/// Makes samples of a Prometheus body.
package enum ActuatorExposition {
    /// The samples of the meters we know; nil when the text is no exposition.
    ///
    /// Left out: requests to the actuator itself (`ownPaths`), negative maxima of memory pools, NaN (ZGC says it for
    /// "not known"). Lines that become equal once labels that we do not keep (such as `error`) are gone are merged:
    /// maxima by the greater, all else by sum. Buckets are summed over all labels but their bound, so that an
    /// application has some seventy series more and not seventy for each path (`RequestBuckets`).
    package static func samples(
        _ body: [UInt8], labels: LabelSet, at time: Timestamp, ownPaths: [String]
    ) -> [Sample]? {
        var order: [Series] = []
        var values: [Series: Double] = [:]
        var buckets = RequestBuckets()
        let text = PrometheusText(body, isWanted: { ActuatorMeter.byPrometheusName[$0] != nil }) { line in
            guard let (meter, metric) = ActuatorMeter.byPrometheusName[line.name] else { return }
            if let uri = line.labels["uri"], isOwn(uri, ownPaths) { return }
            if line.value.isNaN || (metric == "jvm_memory_max_bytes" && line.value < 0) { return }
            if meter.hasBuckets, line.name.hasSuffix("_bucket") {
                buckets.add(line)
                return
            }
            let kept = line.labels.labels.filter { meter.labels.contains($0.name) }
            let series = Series(metric, LabelSet(kept).merging(labels))
            if let value = values[series] {
                values[series] = metric.hasSuffix("_max") ? max(value, line.value) : value + line.value
            } else if order.count < seriesMax {
                order.append(series)
                values[series] = line.value
            }
        }
        guard text.hasSamples else { return nil }
        return order.map { Sample($0, time, values[$0] ?? .nan) } + buckets.samples(labels: labels, at: time)
    }

    /// Series of one application beside its buckets.
    static let seriesMax = 20_000

    /// Whether a `uri` tag is the actuator's.
    static func isOwn(_ uri: String, _ ownPaths: [String]) -> Bool {
        ownPaths.contains { uri == $0 || uri.hasPrefix($0 + "/") }
    }
}

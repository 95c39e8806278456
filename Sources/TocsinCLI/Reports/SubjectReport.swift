import QueryWire
import Telemetry

/// `tocsin workload list`.
struct SubjectListReport: Report {
    var subjects: [SubjectView]
    /// Subjects that the answer has no room for.
    var omitted = 0

    /// Signals of a line at most, and characters of each one's trend.
    static let signalsMax = 3
    static let trendWidth = 8

    /// What a line shows first: what is broken for users before what it runs on.
    private static let order = [
        "error_ratio", "request_rate", "latency_p95_seconds", "latency_mean_seconds", "database_up", "connection_ratio",
        "longest_query_seconds", "ready_ratio", "health_up", "working_set_ratio", "heap_live_ratio",
        "node_memory_used_ratio", "disk_used_ratio", "probe_up",
    ]

    var value: OutputValue { .array(subjects.map { .object(SubjectReport.entries(of: $0)) }) }

    func table(_ context: RenderContext) -> String {
        guard !subjects.isEmpty else { return "Nothing is measured yet.\n" }
        var table = Table([
            .init(title: "SUBJECT"), .init(title: "CLUSTER"), .init(title: "OPEN"), .init(title: "LAST"),
            .init(title: "SIGNALS", isFlexible: true),
        ])
        for subject in subjects {
            let open = subject.severity.map { "\($0) \(subject.incidents.joined(separator: ","))" } ?? "-"
            table.add([
                .init(subject.path), .init(subject.cluster.isEmpty ? "-" : subject.cluster),
                .init(open, subject.severity.map(Style.severity) ?? .plain),
                .init(context.age(subject.signals.map(\.at).max())), .init(Self.signals(of: subject)),
            ])
        }
        let rest = omitted > 0 ? "\(omitted) more are left out.\n" : ""
        return table.render(context) + rest
    }

    private static func signals(of subject: SubjectView) -> String {
        let ranked = subject.signals.enumerated().sorted { left, right in
            let (one, other) = (rank(left.element), rank(right.element))
            return one == other ? left.offset < right.offset : one < other
        }
        let shown = ranked.prefix(signalsMax).map { item in
            let trend = Sparkline.render(item.element.recent.map { Double($0) }, width: trendWidth)
            return "\(item.element.title) \(item.element.text) \(trend)"
        }
        let more = subject.signals.count > signalsMax ? " +\(subject.signals.count - signalsMax)" : ""
        return shown.joined(separator: "  ") + more
    }

    private static func rank(_ signal: SignalView) -> Int {
        order.firstIndex(of: signal.name) ?? order.count
    }
}

/// `tocsin workload show`.
struct SubjectReport: Report {
    var subject: SubjectView

    /// Characters of a trend.
    static let trendWidth = 30

    static func entries(of subject: SubjectView) -> [OutputValue.Entry] {
        [
            .init(key: "subject", value: .string(subject.path)), .init(key: "kind", value: .string(subject.kind)),
            .init(key: "cluster", value: .string(subject.cluster)),
            .init(key: "severity", value: .text(subject.severity)),
            .init(key: "incidents", value: .array(subject.incidents.map { .string($0) })),
            .init(key: "signals", value: .array(subject.signals.map(value))),
        ]
    }

    private static func value(of signal: SignalView) -> OutputValue {
        [
            "name": .string(signal.name), "unit": .string(signal.unit), "at": .time(signal.at),
            "stepSeconds": .number(signal.step.inSeconds), "value": signal.value.map { .number($0) } ?? .null,
            "lower": signal.lower.map { .number($0) } ?? .null, "upper": signal.upper.map { .number($0) } ?? .null,
            "volume": .number(signal.volume), "present": .count(signal.present), "expected": .count(signal.expected),
            "recent": .array(signal.recent.map { .number(Double($0)) }),
            "contributors": .array(
                signal.contributors.map {
                    ["name": .string($0.name), "value": .number($0.value), "volume": .number($0.volume)]
                }),
        ]
    }

    var value: OutputValue { .object(Self.entries(of: subject)) }

    func table(_ context: RenderContext) -> String {
        var text = FieldList([
            ("Subject", subject.path), ("Kind", subject.kind),
            ("Cluster", subject.cluster.isEmpty ? nil : subject.cluster),
            ("Open", subject.severity.map { "\($0) \(subject.incidents.joined(separator: ", "))" }),
        ]).render(context)
        guard !subject.signals.isEmpty else { return text + "\nNothing is measured of it now.\n" }
        var table = Table([
            .init(title: "SIGNAL"), .init(title: "NOW", isRight: true), .init(title: "VOLUME", isRight: true),
            .init(title: "SEEN", isRight: true), .init(title: "LAST"), .init(title: "TREND"),
            .init(title: "WORST", isFlexible: true),
        ])
        for signal in subject.signals {
            let isPartial = signal.present < signal.expected
            table.add([
                .init(signal.name), .init(signal.textWithError, .bold),
                .init(signal.volume > 0 ? NumberText.value(signal.volume) : "-"),
                .init("\(signal.present)/\(signal.expected)", isPartial ? .yellow : .plain),
                .init(context.age(signal.at)),
                .init(Sparkline.render(signal.recent.map { Double($0) }, width: Self.trendWidth)),
                .init(
                    signal.contributors.prefix(2).map { "\($0.name) \(signal.text(of: $0.value))" }
                        .joined(separator: ", ")),
            ])
        }
        text += "\n" + table.render(context)
        return text
    }
}

extension SignalView {
    /// The name without its unit, in words.
    var title: String {
        var bare = name[...]
        for suffix in ["_seconds", "_ratio"] where bare.hasSuffix(suffix) { bare = bare.dropLast(suffix.count) }
        return bare.map { $0 == "_" ? " " : String($0) }.joined()
    }

    /// The value now, `-` without data.
    var text: String { value.map(text) ?? "-" }

    /// The value now with the bounds that it lies between, where it is an estimate: `0.62s (0.5-1)`, or `>2.5s` beyond
    /// the highest bound.
    var textWithError: String {
        guard value != nil, let lower else { return text }
        guard let upper else { return ">\(text(of: lower))" }
        return "\(text) (\(NumberText.value(lower))-\(NumberText.value(upper)))"
    }

    /// A value with the signal's unit.
    func text(of value: Double) -> String {
        switch unit {
        case "ratio": "\(NumberText.value(value * 100))%"
        case "seconds": "\(NumberText.value(value))s"
        case "bytes" where value >= 0: NumberText.bytes(UInt64(min(value, 1e18)))
        default: NumberText.value(value)
        }
    }
}

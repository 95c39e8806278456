import QueryWire
import Telemetry

/// `tocsin target list`.
struct TargetListReport: Report {
    var targets: [TargetView]

    static func value(of target: TargetView) -> OutputValue {
        [
            "id": .string(target.id), "kind": .string(target.kind), "address": .string(target.address),
            "node": .string(target.node),
            "subject": .text(target.subject), "outcome": .text(target.outcome), "message": .text(target.message),
            "lastProbeAt": .time(target.lastProbeAt),
            "lastDurationSeconds": target.lastDuration.map { .number($0.inSeconds) } ?? .null,
            "lastSampleCount": .unsigned(target.lastSampleCount), "since": .time(target.since),
            "intervalSeconds": .number(target.interval.inSeconds),
        ]
    }

    var value: OutputValue { .array(targets.map { Self.value(of: $0) }) }

    func table(_ context: RenderContext) -> String {
        guard !targets.isEmpty else { return "No targets.\n" }
        var table = Table([
            .init(title: "TARGET", isFlexible: true), .init(title: "ADDRESS", isFlexible: true),
            .init(title: "NODE", isFlexible: true),
            .init(title: "OUTCOME"), .init(title: "SINCE"), .init(title: "LAST PROBE"),
            .init(title: "TOOK", isRight: true),
            .init(title: "SAMPLES", isRight: true), .init(title: "MESSAGE", isFlexible: true),
        ])
        for target in targets {
            let outcome = target.outcome ?? "-"
            let style: Style = target.outcome == nil ? .dim : target.outcome == "success" ? .green : .red
            table.add([
                .init(target.id), .init(target.address), .init(target.node), .init(outcome, style),
                .init(context.age(target.since)),
                .init(context.age(target.lastProbeAt)), .init(target.lastDuration.map(DurationText.short) ?? "-"),
                .init("\(target.lastSampleCount)"), .init(target.message ?? ""),
            ])
        }
        return table.render(context)
    }
}

import QueryWire
import Telemetry

/// `tocsin silence list` and `tocsin maintenance list`.
struct SilenceListReport: Report {
    var silences: [SilenceView]
    /// What one is called, for the sentence that says that there are none.
    var noun: String

    var value: OutputValue { .array(silences.map { SilenceReport.value(of: $0) }) }

    func table(_ context: RenderContext) -> String {
        guard !silences.isEmpty else { return "No \(noun)s.\n" }
        var table = Table([
            .init(title: "ID"), .init(title: "STATE"), .init(title: "FROM"), .init(title: "UNTIL"),
            .init(title: "BY"), .init(title: "MATCH", isFlexible: true), .init(title: "REASON", isFlexible: true),
        ])
        for silence in silences {
            let state = silence.state(at: context.now)
            table.add([
                .init(silence.id), .init(state, state == "active" ? .yellow : .plain),
                .init(context.time(silence.startsAt)), .init(context.time(silence.endsAt)), .init(silence.author),
                .init(SilenceReport.patterns(of: silence).joined(separator: " ")), .init(silence.reason),
            ])
        }
        return table.render(context)
    }
}

/// What `add` and `expire` answer.
struct SilenceReport: Report {
    var silence: SilenceView

    /// The patterns as they are given to `--match`.
    static func patterns(of silence: SilenceView) -> [String] {
        let matcher = silence.matcher
        return [
            ("cluster", matcher.cluster), ("subject", matcher.subject), ("group", matcher.checkGroup),
            ("family", matcher.family), ("level", matcher.severityAtMost),
        ].filter { !$0.1.isEmpty }.map { "\($0.0)=\($0.1)" }
    }

    /// The keys that lists and single answers share.
    static func value(of silence: SilenceView) -> OutputValue {
        [
            "id": .string(silence.id), "kind": .string(silence.kind),
            "match": .array(patterns(of: silence).map { .string($0) }), "author": .string(silence.author),
            "reason": .string(silence.reason), "createdAt": .time(silence.createdAt),
            "startsAt": .time(silence.startsAt), "endsAt": .time(silence.endsAt),
            "expiredBy": .text(silence.expiredBy),
        ]
    }

    var value: OutputValue { Self.value(of: silence) }

    func table(_ context: RenderContext) -> String {
        FieldList([
            ("Id", silence.id), ("State", silence.state(at: context.now)),
            ("From", context.time(silence.startsAt)), ("Until", context.time(silence.endsAt)),
            ("Match", Self.patterns(of: silence).joined(separator: " ")), ("By", silence.author),
            ("Reason", silence.reason), ("Ended by", silence.expiredBy),
        ]).render(context)
    }
}

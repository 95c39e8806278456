import QueryWire
import Telemetry

/// `tocsin audit`.
struct AuditReport: Report {
    var records: [AuditRecordView]
    /// Rows that could not be read.
    var unreadable: UInt64 = 0

    var value: OutputValue {
        .array(
            records.map { record in
                [
                    "sequence": .unsigned(record.sequence), "at": .time(record.at),
                    "user": .string(record.user), "role": .string(record.role), "peer": .string(record.peer),
                    "call": .string(record.call), "subject": .text(record.subject),
                    "outcome": .string(record.outcome), "reason": .text(record.reason),
                    "before": .text(record.before), "after": .text(record.after), "intact": .bool(record.isIntact),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        var text = ""
        if records.isEmpty {
            text = "No records.\n"
        } else {
            var table = Table([
                .init(title: "WHEN"), .init(title: "USER"), .init(title: "FROM"), .init(title: "CALL"),
                .init(title: "SUBJECT"), .init(title: "OUTCOME"), .init(title: "CHANGE", isFlexible: true),
            ])
            for record in records {
                let outcome = record.isIntact ? record.outcome : "\(record.outcome), ALTERED"
                table.add([
                    .init(context.time(record.at)), .init("\(record.user) (\(record.role))"), .init(record.peer),
                    .init(record.call), .init(record.subject ?? "-"),
                    .init(outcome, record.outcome == "done" && record.isIntact ? .plain : .yellow),
                    .init(Self.change(record)),
                ])
            }
            text = table.render(context)
        }
        if unreadable > 0 { text += "\(unreadable) \(unreadable == 1 ? "row" : "rows") cannot be read.\n" }
        return text
    }

    private static func change(_ record: AuditRecordView) -> String {
        switch (record.reason, record.before, record.after) {
        case (let reason?, _, _): reason
        case (nil, let before?, let after?): "\(before) -> \(after)"
        case (nil, let before?, nil): before
        case (nil, nil, let after?): after
        case (nil, nil, nil): ""
        }
    }
}

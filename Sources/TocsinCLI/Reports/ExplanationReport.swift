import QueryWire
import Telemetry

/// `tocsin incident explain`: why an incident has its level, as sentences.
struct ExplanationReport: Report {
    var detail: IncidentDetailView

    /// A ledger entry with its parts.
    static func value(of entry: LedgerView) -> OutputValue {
        [
            "at": .time(entry.at), "severity": .string(entry.severity), "previous": .text(entry.previous),
            "previousSince": .time(entry.previousSince), "check": .string(entry.check), "rule": .string(entry.rule),
            "because": .string(entry.because), "cause": .text(entry.cause), "sentence": .string(entry.sentence),
            "rules": .array(entry.steps.map { value(of: $0) }), "numbers": .array(entry.figures.map { value(of: $0) }),
            "wouldBe": .array(entry.wouldBe.map { value(of: $0) }), "until": entry.until.map { value(of: $0) } ?? .null,
        ]
    }

    private static func value(of step: LedgerView.Step) -> OutputValue {
        [
            "rule": .string(step.rule), "severity": .string(step.severity), "because": .string(step.because),
            "unmet": .array(step.unmet.map { .string($0) }),
        ]
    }

    static func value(of figure: LedgerView.Figure) -> OutputValue {
        [
            "name": .string(figure.name), "value": .string(figure.text), "selector": .text(figure.selector),
            "at": .time(figure.at),
        ]
    }

    private static func value(of alternative: LedgerView.Alternative) -> OutputValue {
        [
            "severity": .string(alternative.severity),
            "conditions": .array(alternative.conditions.map { .string($0) }),
        ]
    }

    private static func value(of until: LedgerView.Until) -> OutputValue {
        ["severity": .string(until.severity), "at": .time(until.at)]
    }

    var value: OutputValue {
        let incident = detail.incident
        // Programs get times in UTC, as everywhere in JSON.
        let sentences = sentences { TimeText.rfc3339($0) }
        return .object([
            .init(key: "id", value: .string(incident.id)), .init(key: "severity", value: .string(incident.severity)),
            .init(key: "state", value: .string(incident.state)),
            .init(key: "sentences", value: .array(sentences.map { .string($0) })),
            .init(key: "ledger", value: .array(detail.ledger.map { Self.value(of: $0) })),
        ])
    }

    func table(_ context: RenderContext) -> String {
        let time = { TimeText.local($0, now: context.now, zone: context.zone) }
        var text = sentences(time).map { Printable.line($0) + "\n" }.joined()
        guard let current = detail.ledger.last else { return text }
        if !current.figures.isEmpty {
            var table = Table([
                .init(title: "NUMBER", isFlexible: true), .init(title: "VALUE"), .init(title: "SAMPLES"),
            ])
            for figure in current.figures {
                let samples = figure.selector.map { selector in
                    "tocsin query '\(selector)'" + (figure.at.map { ", at \(time($0))" } ?? "")
                }
                table.add([.init(figure.name), .init(figure.text), .init(samples ?? "-", .dim)])
            }
            text += "\n" + table.render(context)
        }
        return text
    }

    /// The explanation in order: what it is and why, what was tried before, what would change it, how it came here.
    private func sentences(_ time: (Timestamp) -> String) -> [String] {
        let incident = detail.incident
        guard let current = detail.ledger.last else { return ["\(incident.id) has no level yet."] }
        var sentences = [
            "\(incident.id) is \(incident.severity) since \(time(current.at)) because \(current.because)"
                + " (\(current.rule))."
        ]
        for step in current.steps where !step.unmet.isEmpty {
            sentences.append(
                "\(step.rule) would give \(step.severity), \(step.because), but asks that it be"
                    + " \(step.unmet.joined(separator: " and ")).")
        }
        for alternative in current.wouldBe {
            sentences.append(
                "It would be \(alternative.severity) if \(alternative.conditions.joined(separator: " and ")).")
        }
        if let until = current.until {
            sentences.append(
                "It would have been \(until.severity) until \(time(until.at)), when it had lasted"
                    + " \(DurationText.short(until.lasted)).")
        }
        return sentences + detail.ledger.map { change($0, time) }
    }

    private func change(_ entry: LedgerView, _ time: (Timestamp) -> String) -> String {
        let cause = entry.cause ?? entry.because
        guard let previous = entry.previous else {
            return "At \(time(entry.at)) it began at \(entry.severity): \(cause)."
        }
        let since = entry.previousSince.map { " since \(time($0))" } ?? ""
        return "It was \(previous)\(since) until \(time(entry.at)), then became \(entry.severity): \(cause)."
    }
}

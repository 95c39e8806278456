import QueryWire
import Telemetry

/// `tocsin replay`.
struct ReplayReport: Report {
    var findings: [ReplayedFindingView] = []
    var summary = ReplaySummaryView()

    var value: OutputValue {
        [
            "startedAt": .time(summary.startedAt), "hasState": .bool(summary.hasState),
            "cells": .unsigned(summary.cells),
            "gaps": .array(
                summary.gaps.map { gap in
                    [
                        "from": .time(gap.from), "to": .time(gap.to),
                        "cells": gap.cells == 0 ? .null : .unsigned(gap.cells), "reason": .string(gap.reason),
                    ]
                }),
            "thresholdsChangedAt": .array(summary.thresholdsChangedAt.map { .time($0) }),
            "findings": .array(findings.map { Self.value(of: $0) }),
        ]
    }

    private static func value(of replayed: ReplayedFindingView) -> OutputValue {
        let finding = replayed.finding
        return [
            "at": .time(finding.at), "phase": .string(finding.phase), "cluster": .string(replayed.cluster),
            "subject": .string(replayed.subject), "check": .string(finding.check),
            "checkGroup": .string(replayed.checkGroup), "family": .string(replayed.family),
            "title": .string(replayed.title), "onsetAt": .time(finding.onsetAt), "value": .number(finding.value),
            "worstValue": .number(finding.worstValue), "threshold": .number(finding.threshold),
            "affected": .count(finding.affected), "total": .count(finding.total),
            "contributors": .array(finding.contributors.map { .string($0) }),
            "explanation": .string(finding.explanation),
        ]
    }

    func table(_ context: RenderContext) -> String {
        guard summary.startedAt != nil else { return "No cells of that time are stored.\n" }
        var text = ""
        if findings.isEmpty {
            text = "No findings.\n"
        } else {
            var table = Table([
                .init(title: "WHEN"), .init(title: "PHASE"), .init(title: "CHECK"), .init(title: "SUBJECT"),
                .init(title: "EXPLANATION", isFlexible: true),
            ])
            for replayed in findings {
                let finding = replayed.finding
                table.add([
                    .init(context.time(finding.at)),
                    .init(finding.phase, finding.phase == "closed" ? .green : .red), .init(finding.check),
                    .init(replayed.subject), .init(finding.explanation),
                ])
            }
            text = table.render(context)
        }
        return text + footer(context)
    }

    /// What was read, and what was not.
    private func footer(_ context: RenderContext) -> String {
        func local(_ time: Timestamp) -> String { TimeText.local(time, now: context.now, zone: context.zone) }
        func count(_ phase: String) -> Int { findings.count { $0.finding.phase == phase } }
        var text = "\n\(count("opened")) opened, \(count("closed")) closed"
        if let startedAt = summary.startedAt {
            text += "; \(NumberText.count(summary.cells)) cells from \(local(startedAt)) on"
        }
        text += ".\n"
        if !summary.hasState {
            text += "The detectors knew nothing of the time before: what stood at the beginning may open late or not.\n"
        }
        for gap in summary.gaps {
            let cells = gap.cells == 0 ? "cells" : "\(NumberText.count(gap.cells)) cells"
            text += "Missing: \(cells) from \(local(gap.from)) to \(local(gap.to)): \(Printable.line(gap.reason)).\n"
        }
        for time in summary.thresholdsChangedAt {
            text += "At \(local(time)) other thresholds were put in force; the live findings changed with them.\n"
        }
        return text
    }
}

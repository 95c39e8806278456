import QueryWire
import Telemetry

/// `tocsin status`.
struct StatusReport: Report {
    var status: StatusView
    var endpoint: String

    var value: OutputValue {
        [
            "version": .string(status.version), "now": .time(status.now), "startedAt": .time(status.startedAt),
            "agentsLive": .count(status.agentsLive), "agentsSuspect": .count(status.agentsSuspect),
            "agentsSilent": .count(status.agentsSilent), "targets": .count(status.targets),
            "targetsFailing": .count(status.targetsFailing), "series": .unsigned(status.series),
            "samplesTotal": .unsigned(status.samplesTotal), "lostSamplesTotal": .unsigned(status.lostSamplesTotal),
            "duplicateFramesTotal": .unsigned(status.duplicateFramesTotal),
            "rejectedFramesTotal": .unsigned(status.rejectedFramesTotal), "storeBytes": .unsigned(status.storeBytes),
            "storeFault": status.storeFault.map { ["since": .time($0.since), "reason": .string($0.reason)] } ?? .null,
            "signals": .count(status.signals), "incidentsOpen": .count(status.incidentsOpen),
            "openIncidents": .array(status.openIncidents.map { IncidentReport.value(of: $0) }),
            "escalationArmed": .bool(status.isEscalationArmed), "noticesWaiting": .count(status.noticesWaiting),
            "noticesDead": .count(status.noticesDead),
            "deadLetters": .array(status.deadLetters.map { ResponseReport.value(of: $0) }),
        ]
    }

    func table(_ context: RenderContext) -> String {
        let uptime = DurationText.short(status.now - status.startedAt)
        var lines = [("Coordinator", "\(endpoint), version \(Printable.line(status.version)), up \(uptime)")]
        lines.append(("Agents", agents(context)))
        lines.append(("Targets", "\(status.targets)" + count(status.targetsFailing, " failing", .red, context)))
        lines.append(
            (
                "Samples",
                "\(NumberText.count(status.samplesTotal)) in \(NumberText.count(status.series)) series, "
                    + "\(NumberText.bytes(status.storeBytes)), \(status.signals) signals"
            ))
        if let fault = status.storeFault {
            let age = DurationText.short(status.now - fault.since)
            lines.append(
                ("Store", context.styled("no samples are stored for \(age): \(Printable.line(fault.reason))", .red)))
        }
        lines.append(("Losses", losses(context)))
        lines.append(("Notices", notices(context)))
        if abs((status.now - context.now).inSeconds) > 5 {
            let ahead = status.now > context.now
            let difference = DurationText.short(ahead ? status.now - context.now : context.now - status.now)
            lines.append(
                ("Clock", context.styled("the coordinator's is \(difference) \(ahead ? "ahead" : "behind")", .yellow)))
        }
        let width = lines.map(\.0.count).max() ?? 0
        var text = lines.map { name, line in
            context.styled(name, .bold) + String(repeating: " ", count: width - name.count + 2) + line + "\n"
        }.joined()
        text += "\n"
        if status.openIncidents.isEmpty {
            text += status.incidentsOpen == 0 ? "No open incidents.\n" : "\(status.incidentsOpen) open incidents.\n"
        } else {
            text += IncidentListReport(incidents: status.openIncidents, filter: "open").table(context)
        }
        if !status.deadLetters.isEmpty {
            text += "\n" + context.styled("Dead letters", .bold) + "\n"
            text += ResponseReport.deadLetters(status.deadLetters, context)
        }
        return text
    }

    private func notices(_ context: RenderContext) -> String {
        let armed =
            status.isEscalationArmed ? "escalation armed" : context.styled("escalation not armed", .yellow)
        return "\(armed), \(status.noticesWaiting) waiting" + count(status.noticesDead, " given up", .red, context)
    }

    private func agents(_ context: RenderContext) -> String {
        "\(status.agentsLive) live" + count(status.agentsSuspect, " suspect", .yellow, context)
            + count(status.agentsSilent, " silent", .red, context)
    }

    private func losses(_ context: RenderContext) -> String {
        let text =
            "\(NumberText.count(status.lostSamplesTotal)) samples lost, "
            + "\(NumberText.count(status.rejectedFramesTotal)) frames rejected, "
            + "\(NumberText.count(status.duplicateFramesTotal)) duplicates dropped"
        return context.styled(text, status.lostSamplesTotal + status.rejectedFramesTotal > 0 ? .yellow : .plain)
    }

    private func count(_ count: Int, _ what: String, _ style: Style, _ context: RenderContext) -> String {
        ", " + context.styled("\(count)\(what)", count > 0 ? style : .plain)
    }
}

import QueryWire
import Telemetry

/// `tocsin agent list`.
struct AgentListReport: Report {
    var agents: [AgentView]

    var value: OutputValue { .array(agents.map { .object(AgentReport.entries(of: $0)) }) }

    func table(_ context: RenderContext) -> String {
        guard !agents.isEmpty else { return "No agent has reported yet.\n" }
        var table = Table([
            .init(title: "NODE", isFlexible: true), .init(title: "CLUSTER"), .init(title: "STATE"),
            .init(title: "LAST SEEN"),
            .init(title: "VERSION"), .init(title: "TARGETS", isRight: true), .init(title: "SERIES", isRight: true),
            .init(title: "LOST", isRight: true), .init(title: "SPOOL", isRight: true),
            .init(title: "MEMORY", isRight: true),
            .init(title: "CPU", isRight: true),
        ])
        for agent in agents {
            table.add([
                .init(agent.node), .init(agent.cluster), .init(agent.state, .state(agent.state)),
                .init(context.age(agent.lastSeenAt)), .init(agent.version), .init("\(agent.targets)"),
                .init(NumberText.count(agent.series)),
                .init(NumberText.count(agent.lostSamplesTotal), agent.lostSamplesTotal > 0 ? .yellow : .plain),
                .init(NumberText.bytes(agent.spoolBytes)), .init(NumberText.bytes(agent.rssBytes)),
                .init("\(NumberText.value(agent.cpuSeconds))s"),
            ])
        }
        return table.render(context)
    }
}

/// `tocsin agent show`.
struct AgentReport: Report {
    var agent: AgentView
    var targets: [TargetView]

    static func entries(of agent: AgentView) -> [OutputValue.Entry] {
        [
            .init(key: "node", value: .string(agent.node)), .init(key: "cluster", value: .string(agent.cluster)),
            .init(key: "version", value: .string(agent.version)), .init(key: "state", value: .string(agent.state)),
            .init(key: "lastSeenAt", value: .time(agent.lastSeenAt)),
            .init(key: "series", value: .unsigned(agent.series)),
            .init(key: "samplesTotal", value: .unsigned(agent.samplesTotal)),
            .init(key: "lostSamplesTotal", value: .unsigned(agent.lostSamplesTotal)),
            .init(key: "spoolBytes", value: .unsigned(agent.spoolBytes)),
            .init(key: "rssBytes", value: .unsigned(agent.rssBytes)),
            .init(key: "cpuSeconds", value: .number(agent.cpuSeconds)),
            .init(key: "targets", value: .count(agent.targets)),
        ]
    }

    var value: OutputValue {
        .object(
            Self.entries(of: agent) + [
                .init(key: "connectedAt", value: .time(agent.connectedAt)),
                .init(key: "targetList", value: .array(targets.map { TargetListReport.value(of: $0) })),
            ])
    }

    func table(_ context: RenderContext) -> String {
        var text = FieldList([
            ("Node", agent.node), ("Cluster", agent.cluster), ("State", agent.state), ("Version", agent.version),
            ("Last seen", context.time(agent.lastSeenAt)), ("Connected", context.time(agent.connectedAt)),
            (
                "Samples",
                "\(NumberText.count(agent.samplesTotal)) in \(NumberText.count(agent.series)) series, "
                    + "\(NumberText.count(agent.lostSamplesTotal)) lost"
            ),
            ("Spool", NumberText.bytes(agent.spoolBytes)), ("Memory", NumberText.bytes(agent.rssBytes)),
            ("CPU", "\(NumberText.value(agent.cpuSeconds))s since start"),
        ]).render(context)
        text += "\n" + TargetListReport(targets: targets).table(context)
        return text
    }
}

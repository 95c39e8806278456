import QueryWire
import Telemetry

/// Answers with fixed content, for golden files and for the server that the built tool is run against.
enum FixtureViews {
    static let now = Timestamp(millis: 1_795_564_800_000)  // 2026-11-25T00:00:00Z

    static var incident: IncidentView {
        var view = IncidentView(
            id: "INC-7", title: "High error rate", family: "error-rate", checkGroup: "error-rate", severity: "P2",
            state: "investigating", cluster: "prod", subject: "oddsmaker/Deployment/oddsmaker-control",
            openedAt: now - .seconds(312), detectedAt: now - .seconds(312), onsetAt: now - .seconds(612))
        view.acknowledgedAt = now - .seconds(100)
        view.acknowledgedBy = "ana"
        view.version = 214
        view.consequences = ["INC-8", "INC-9"]
        view.impacted = ["oddsmaker/Deployment/oddsmaker-control", "oddsmaker/Deployment/odds-web"]
        view.flaps = 3
        view.silencedBy = "SIL-2"
        view.silencedUntil = now + .seconds(1800)
        view.findings = [
            FindingView(
                check: "error-rate", phase: "ongoing", at: now - .seconds(10), onsetAt: now - .seconds(612),
                value: 0.083,
                worstValue: 0.125, threshold: 0.05, affected: 2, total: 3,
                explanation: "8.3 % of 1,204 requests failed over 5m, more than 5 %",
                contributors: ["pod oddsmaker-control-7d9c-abcde: 12.5 %", "pod oddsmaker-control-7d9c-fghij: 9.1 %"])
        ]
        return view
    }

    static var resolved: IncidentView {
        var view = IncidentView(
            id: "INC-3", title: "Connections near \u{1B}[31mlimit\u{7}", family: "database", checkGroup: "connections",
            severity: "P1",
            state: "resolved", cluster: "prod", subject: "postgresql/orders-db", openedAt: now - .seconds(90_000),
            detectedAt: now - .seconds(90_000), onsetAt: now - .seconds(90_100))
        view.resolvedAt = now - .seconds(86_500)
        view.cause = "pool of a batch job without limit"
        view.root = "INC-2"
        view.rootReasons = ["shares postgresql/orders-db"]
        view.episode = 2
        return view
    }

    static var detail: IncidentDetailView {
        var view = plainDetail
        view.respondBy = now + .seconds(1488)
        view.escalation = [
            PendingPageView(
                key: "INC-7/1/1/1", reason: "escalated", severity: "P2", step: 1, roles: ["Engineering Manager"],
                dueAt: now + .seconds(1488)),
            PendingPageView(
                key: "INC-7/1/1/2", reason: "escalated", severity: "P2", step: 2, roles: [], dueAt: now + .seconds(3288)
            ),
        ]
        var done = ChecklistView(
            step: "acknowledge", title: "Acknowledge the alert", listMinutes: 5, dueAt: now - .seconds(12),
            isLate: false)
        (done.doneAt, done.evidence) = (now - .seconds(100), "ana at P2")
        let missing = ChecklistView(
            step: "notifyOnCall", title: "Notify on-call team", listMinutes: 5, dueAt: now - .seconds(12), isLate: true)
        let later = ChecklistView(
            step: "tellStakeholders", title: "Communicate status to stakeholders", listMinutes: 15,
            dueAt: now + .seconds(588), isLate: false)
        view.checklist = [done, missing, later]
        view.logs = logs
        return view
    }

    private static var plainDetail: IncidentDetailView {
        IncidentDetailView(
            incident: incident,
            ledger: [lowered, current],
            timeline: [
                TimelineView(at: now - .seconds(312), sequence: 1, kind: "opened", text: "opened at P2"),
                TimelineView(
                    at: now - .seconds(100), sequence: 2, kind: "acknowledged", author: "ana", text: "acknowledged"),
                TimelineView(
                    at: now - .seconds(60), sequence: 3, kind: "note", author: "ana",
                    text: "looking at \"deploy 41\"\nnext"),
            ])
    }

    static var auditRecords: [AuditRecordView] {
        var done = AuditRecordView(sequence: 4, at: now - .seconds(600))
        done.user = "ana"
        done.role = "responder"
        done.peer = "ipv4:10.0.0.7:51312"
        done.call = "AcknowledgeIncident"
        done.subject = "INC-7"
        done.outcome = "done"
        done.before = "detected P2 version 3"
        done.after = "investigating P2 version 4, held by ana"
        var denied = AuditRecordView(sequence: 5, at: now - .seconds(60))
        denied.user = "vic"
        denied.role = "viewer"
        denied.peer = "ipv4:10.0.0.9:40010"
        denied.call = "AddSilence"
        denied.outcome = "denied"
        denied.reason = "vic is a viewer; this needs a responder"
        denied.isIntact = false
        return [done, denied]
    }

    static var silences: [SilenceView] {
        var matcher = SilenceView.Matcher()
        matcher.subject = "oddsmaker/*"
        matcher.severityAtMost = "P3"
        let planned = SilenceView(
            id: "SIL-2", kind: "maintenance", matcher: matcher, author: "ana", reason: "moving \u{1B}[1mthe database",
            createdAt: now - .seconds(60), startsAt: now + .seconds(3600), endsAt: now + .seconds(7200))
        let active = SilenceView(
            id: "SIL-1", kind: "silence", matcher: matcher, author: "bert", reason: "known noise",
            createdAt: now - .seconds(600), startsAt: now - .seconds(600), endsAt: now + .seconds(1800))
        return [active, planned]
    }

    private static var lowered: LedgerView {
        var entry = LedgerView(
            at: now - .seconds(312), severity: "P3", check: "error-rate-low", rule: "thresholds.yaml:53",
            because: "2 to 5 % of requests fail", sentence: "P3: 3 % is at or above 2 %")
        entry.cause = "check error-rate-low opened episode 1"
        return entry
    }

    private static var current: LedgerView {
        let selector =
            #"http_server_requests_seconds_count{namespace="oddsmaker",workload="Deployment/oddsmaker-control"}"#
        var entry = LedgerView(
            at: now - .seconds(200), severity: "P2", check: "error-rate", rule: "thresholds.yaml:41",
            because: "more than 5 % of requests fail",
            sentence: "P2: 8.3 % is at or above 5 %; would be P1 if all 3 replicas were affected (2 are)")
        entry.cause = "check error-rate opened"
        entry.previous = "P3"
        entry.previousSince = now - .seconds(312)
        entry.steps = [
            .init(
                rule: "thresholds.yaml:35", severity: "P1", because: "at least half of all requests fail",
                unmet: ["at least 50 %"]),
            .init(rule: "thresholds.yaml:41", severity: "P2", because: "more than 5 % of requests fail"),
        ]
        entry.figures = [
            .init(name: "error ratio", text: "8.3 %", selector: selector, at: now - .seconds(210)),
            .init(name: "pods", text: "2 of 3"),
        ]
        entry.wouldBe = [.init(severity: "P1", conditions: ["at least 50 %"])]
        entry.until = .init(severity: "P3", at: now - .seconds(492), lasted: .seconds(120))
        return entry
    }

    static var agents: [AgentView] {
        var live = AgentView(
            node: "node-1", cluster: "prod", version: "0.1.0", state: "live", lastSeenAt: now - .seconds(3),
            connectedAt: now - .seconds(7200))
        live.series = 1934
        live.samplesTotal = 1_412_303
        live.spoolBytes = 3_565_158
        live.rssBytes = 24 << 20
        live.cpuSeconds = 61.25
        live.targets = 2
        var silent = live
        silent.node = "node-2"
        silent.state = "silent"
        silent.lastSeenAt = now - .seconds(3700)
        silent.lostSamplesTotal = 1200
        return [live, silent]
    }

    static var targets: [TargetView] {
        var good = TargetView(
            id: "actuator/oddsmaker-control", kind: "actuator", address: "http://10.0.0.7:8086/actuator",
            node: "node-1", cluster: "prod",
            subject: "oddsmaker/Deployment/oddsmaker-control", interval: .seconds(10))
        good.outcome = "success"
        good.lastProbeAt = now - .seconds(4)
        good.lastDuration = .microseconds(41_250)
        good.lastSampleCount = 112
        good.since = now - .seconds(7000)
        var bad = TargetView(
            id: "postgresql/orders-db", kind: "postgresql", address: "orders-db.example:5432", node: "node-1",
            cluster: "prod",
            subject: "postgresql/orders-db", interval: .milliseconds(2500))
        bad.outcome = "refused"
        bad.message = "connection refused"
        bad.lastProbeAt = now - .seconds(1)
        bad.lastDuration = .milliseconds(2)
        bad.since = now - .seconds(95)
        let new = TargetView(
            id: "pods/node-2", kind: "pods", address: "https://10.0.0.2:10250", node: "node-2", cluster: "prod",
            interval: .seconds(10))
        return [good, bad, new]
    }

    static var status: StatusView {
        var view = StatusView(version: "0.1.0", now: now, startedAt: now - .seconds(93_784))
        view.agentsLive = 1
        view.agentsSilent = 1
        view.targets = 3
        view.targetsFailing = 1
        view.series = 1934
        view.samplesTotal = 2_824_606
        view.duplicateFramesTotal = 4
        view.lostSamplesTotal = 1200
        view.storeBytes = 5_100_000
        view.signals = 44
        view.incidentsOpen = 1
        view.openIncidents = [incident]
        view.isEscalationArmed = true
        view.noticesWaiting = 2
        view.noticesDead = 1
        view.deadLetters = [
            DeadLetterView(
                key: "INC-7/1/1/0", channel: "chat", incident: "INC-7", title: "High error rate", reason: "HTTP 410",
                attempts: 3, createdAt: now - .seconds(300), givenUpAt: now - .seconds(280))
        ]
        return view
    }

    static var message: MessageView {
        var view = MessageView(
            text: "We are currently experiencing issues with 10.0.0.7.\nWe apologize.",
            nextUpdateAt: now + .seconds(1800))
        view.problems = [.init(words: "10.0.0.7", reason: "is a network address")]
        return view
    }

    static var sentMessage: MessageView {
        var view = message
        (view.text, view.problems, view.isSent) = ("We apologize.", [], true)
        return view
    }

    static var series: [SeriesView] {
        let times = (0..<40).map { now - .seconds(400 - 10 * $0) }
        let memory = SeriesView(
            series: Series("jvm_memory_used_bytes", ["area": "heap", "pod": "oddsmaker-control-7d9c-abcde"]),
            timestamps: times,
            values: (0..<40).map { 1e8 + 2.5e6 * Double($0 * $0 % 41) })
        let up = SeriesView(
            series: Series("probe_up", ["target": "postgresql/orders-db"]), timestamps: Array(times[..<3]),
            values: [1, 0, .nan])
        return [memory, up]
    }

    static var subjects: [SubjectView] {
        var control = SubjectView(
            cluster: "prod", kind: "workload", path: "oddsmaker/Deployment/oddsmaker-control")
        control.incidents = ["INC-7"]
        control.severity = "P2"
        var errors = SignalView(name: "error_ratio", unit: "ratio", at: now - .seconds(4), step: .seconds(10))
        errors.value = 0.124
        errors.volume = 812
        (errors.present, errors.expected) = (2, 3)
        errors.recent = [0, 0, 0.01, .nan, 0.02, 0.11, 0.124]
        errors.contributors = [
            .init(name: "oddsmaker-control-7d9f-abcde", value: 0.34, volume: 300),
            .init(name: "oddsmaker-control-7d9f-xyz12", value: 0, volume: 512),
        ]
        var latency = SignalView(
            name: "latency_mean_seconds", unit: "seconds", at: now - .seconds(4), step: .seconds(10))
        latency.value = 0.0432
        latency.volume = 812
        (latency.present, latency.expected) = (3, 3)
        latency.recent = [0.04, 0.05, 0.0432]
        var restarts = SignalView(name: "restarts", unit: "count", at: now - .seconds(64), step: .seconds(10))
        restarts.expected = 3
        restarts.recent = [0, 1, .nan]
        control.signals = [errors, latency, restarts]
        var database = SubjectView(cluster: "prod", kind: "postgresql", path: "postgresql/orders")
        var up = SignalView(name: "database_up", unit: "flag", at: now - .seconds(2), step: .seconds(10))
        up.value = 1
        (up.present, up.expected) = (1, 1)
        up.recent = [1, 1, 1]
        database.signals = [up]
        return [control, database]
    }

    static let effectiveChecks = [
        EffectiveCheckView(
            name: "error-rate", isEnabled: true, override: "oddsmaker/Deployment/*",
            values: [
                .init(key: "signal", value: "error_ratio", origin: "thresholds.yaml:12"),
                .init(key: "above", value: "3%", origin: "thresholds.yaml:340"),
                .init(key: "group", value: "error-rate", origin: nil),
                .init(key: "enabled", value: "true", origin: nil),
            ]),
        EffectiveCheckView(
            name: "heap-used", isEnabled: false, override: nil,
            values: [.init(key: "above", value: "95%", origin: "thresholds.yaml:58")]),
    ]
}

import QueryWire
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto

struct QueryViewTests {
    private let now = Timestamp(millis: 1_795_564_800_123)

    private var incident: IncidentView {
        var view = IncidentView(
            id: "INC-7", title: "High error rate", family: "error-rate", checkGroup: "error-rate", severity: "P2",
            state: "detected",
            cluster: "prod", subject: "ns/Deployment/x", openedAt: now, detectedAt: now - .seconds(1),
            onsetAt: now - .seconds(60))
        view.episode = 3
        view.findings = [
            FindingView(
                check: "error-rate", phase: "opened", at: now, onsetAt: now - .seconds(60), value: 0.1, worstValue: 0.2,
                threshold: 0.05,
                affected: 1, total: 3, explanation: "10 %", contributors: ["pod a"])
        ]
        return view
    }

    /// Through bytes, as on the wire.
    private func sent<Proto: SwiftProtobuf.Message>(_ proto: Proto) throws -> Proto {
        try Proto(serializedBytes: try proto.serializedBytes() as [UInt8])
    }

    @Test func incidentRoundTrips() throws {
        #expect(IncidentView(try sent(incident.proto)) == incident)
        var full = incident
        full.acknowledgedAt = now
        full.acknowledgedBy = "ana"
        full.resolvedAt = Timestamp(millis: 0)
        full.cause = "deploy"
        full.root = "INC-1"
        full.version = .max
        full.rootReasons = ["a", "b"]
        full.consequences = ["INC-2"]
        full.impacted = ["shop/Deployment/cart"]
        full.flaps = 3
        full.heldUntil = now
        full.silencedBy = "SIL-1"
        full.silencedUntil = now
        #expect(IncidentView(try sent(full.proto)) == full)
    }

    @Test func subjectRoundTrips() throws {
        var subject = SubjectView(cluster: "prod", kind: "workload", path: "ns/Deployment/x")
        var signal = SignalView(name: "error_ratio", unit: "ratio", at: now, step: .seconds(10))
        (signal.lower, signal.upper) = (0.1, 0.2)
        signal.value = 0
        signal.volume = 12
        (signal.present, signal.expected) = (1, 2)
        signal.recent = [0.5, 0.25]
        signal.contributors = [.init(name: "pod a", value: 0.1, volume: 10)]
        subject.signals = [signal, SignalView(name: "restarts", unit: "count", at: now, step: .seconds(1))]
        subject.incidents = ["INC-7"]
        subject.severity = "P2"
        #expect(SubjectView(try sent(subject.proto)) == subject)
        let check = EffectiveCheckView(
            name: "error-rate", isEnabled: true, override: "ns/*",
            values: [.init(key: "above", value: "5%", origin: "t.yaml:1"), .init(key: "for", value: "0", origin: nil)])
        #expect(EffectiveCheckView(try sent(check.proto)) == check)
    }

    @Test func detailRoundTrips() throws {
        var detail = IncidentDetailView(
            incident: incident,
            ledger: [LedgerView(at: now, severity: "P2", check: "c", rule: "t.yaml:1", because: "b", sentence: "s")],
            timeline: [
                TimelineView(at: now, sequence: .max, kind: "opened", text: "t"),
                TimelineView(at: now, sequence: 2, kind: "note", author: "ana", text: "n"),
            ])
        #expect(IncidentDetailView(try sent(detail.proto)) == detail)
        detail.respondBy = now
        detail.escalation = [
            PendingPageView(key: "k", reason: "escalated", severity: "P2", step: 1, roles: ["CTO"], dueAt: now)
        ]
        var item = ChecklistView(step: "assess", title: "t", listMinutes: 15, dueAt: now, isLate: true)
        detail.checklist = [item]
        (item.doneAt, item.evidence) = (now, "e")
        detail.checklist.append(item)
        #expect(IncidentDetailView(try sent(detail.proto)) == detail)
    }

    @Test func messageRoundTrips() throws {
        var message = MessageView(text: "t", nextUpdateAt: nil)
        #expect(MessageView(try sent(message.proto)) == message)
        message.nextUpdateAt = now
        message.isSent = true
        message.problems = [.init(words: "w", reason: "r")]
        #expect(MessageView(try sent(message.proto)) == message)
    }

    @Test func ledgerRoundTripsWithItsParts() throws {
        var entry = LedgerView(at: now, severity: "P2", check: "c", rule: "t.yaml:1", because: "b", sentence: "s")
        entry.cause = "check c opened"
        entry.previous = "P3"
        entry.previousSince = Timestamp(millis: 0)
        entry.steps = [.init(rule: "t.yaml:0", severity: "P1", because: "a", unmet: ["at least 1", "for 5m"])]
        entry.figures = [
            .init(name: "ratio", text: "8 %", selector: "up{a=\"b\"}", at: now), .init(name: "pods", text: "1 of 3"),
        ]
        entry.wouldBe = [.init(severity: "P1", conditions: ["at least 1"])]
        entry.until = .init(severity: "P4", at: now, lasted: .seconds(300))
        #expect(LedgerView(try sent(entry.proto)) == entry)
    }

    @Test func silenceRoundTrips() throws {
        var matcher = SilenceView.Matcher()
        matcher.cluster = "a*"
        matcher.subject = "shop/*"
        matcher.checkGroup = "heap"
        matcher.family = "memory"
        matcher.severityAtMost = "P3"
        var silence = SilenceView(
            id: "SIL-1", kind: "maintenance", matcher: matcher, author: "ana", reason: "move",
            createdAt: Timestamp(millis: 0), startsAt: now, endsAt: now + .seconds(60))
        silence.expiredBy = "bert"
        #expect(SilenceView(try sent(silence.proto)) == silence)
        #expect([now - .seconds(1), now, now + .seconds(60)].map(silence.state) == ["planned", "active", "over"])
    }

    @Test func agentRoundTrips() throws {
        var agent = AgentView(
            node: "n", cluster: "c", version: "1.2.3", state: "live", lastSeenAt: now, connectedAt: now - .seconds(5))
        agent.series = 1
        agent.samplesTotal = .max
        agent.lostSamplesTotal = 3
        agent.spoolBytes = 4
        agent.rssBytes = 5
        agent.cpuSeconds = 6.5
        agent.targets = 7
        #expect(AgentView(try sent(agent.proto)) == agent)
    }

    @Test func targetRoundTrips() throws {
        let fresh = TargetView(
            id: "pods/n", kind: "pods", address: "a", node: "n", cluster: "c", interval: .milliseconds(2500))
        #expect(TargetView(try sent(fresh.proto)) == fresh)
        var failed = fresh
        failed.subject = "ns/Deployment/x"
        failed.outcome = "timeout"
        failed.message = "no answer in 5s"
        failed.lastProbeAt = now
        failed.lastDuration = .microseconds(5_000_001)
        failed.lastSampleCount = 2
        failed.since = now - .seconds(50)
        #expect(TargetView(try sent(failed.proto)) == failed)
    }

    @Test func targetFromAStatus() {
        let target = Target(
            kind: .postgresql, name: "orders-db", address: "db:5432", labels: ["instance": "orders-db"],
            interval: .seconds(10),
            deadline: .seconds(5))
        let status = TargetStatus(
            target: target, outcome: .failure(.refused, "connection refused"), lastProbeAt: now,
            lastDuration: .milliseconds(3),
            lastSampleCount: 2, since: now - .seconds(9))
        let view = TargetView(status, node: "n", cluster: "c")
        #expect(view.subject == "postgresql/orders-db")
        #expect(view.outcome == "refused")
        #expect(view.message == "connection refused")
        #expect(TargetView(TargetStatus(target: target), node: "n", cluster: "c").outcome == nil)
        let remarked = TargetStatus(target: target, outcome: .success, remark: "GRANT pg_monitor TO tocsin;")
        #expect(TargetView(remarked, node: "n", cluster: "c").message == "GRANT pg_monitor TO tocsin;")
    }

    @Test func statusRoundTrips() throws {
        var status = StatusView(version: "1.0.0", now: now, startedAt: now - .seconds(100))
        status.agentsLive = 1
        status.agentsSuspect = 2
        status.agentsSilent = 3
        status.targets = 4
        status.targetsFailing = 5
        status.series = 6
        status.samplesTotal = 7
        status.duplicateFramesTotal = 8
        status.rejectedFramesTotal = 9
        status.lostSamplesTotal = 10
        status.storeBytes = 11
        status.signals = 12
        status.incidentsOpen = 13
        status.openIncidents = [incident]
        status.isEscalationArmed = true
        status.noticesWaiting = 14
        status.noticesDead = 15
        status.deadLetters = [
            DeadLetterView(
                key: "k", channel: "c", incident: "INC-1", title: "t", reason: "r", attempts: 2, createdAt: now,
                givenUpAt: now)
        ]
        #expect(StatusView(try sent(status.proto)) == status)
        status.targets = -1
        #expect(status.proto.targets == 0)
    }

    @Test(arguments: [0, 1, 4096, 4097, 10_000])
    func seriesIsSentInParts(count: Int) throws {
        let view = SeriesView(
            series: Series("up", ["a": "b", "c": "d\"e"]), timestamps: (0..<count).map { now + .seconds($0) },
            values: (0..<count).map(Double.init))
        let parts = try view.protos.map { try SeriesView(try sent($0)) }
        #expect(parts.count == max(1, (count + 4095) / 4096))
        #expect(parts.allSatisfy { $0.values.count <= SeriesView.pointsPerMessageMax })
        var whole = parts[0]
        for part in parts.dropFirst() { whole.append(part) }
        #expect(whole == view)
    }

    @Test func unevenSeriesIsRefused() {
        let error = #expect(throws: QueryError.self) {
            try SeriesView(
                .with {
                    $0.metric = "up"
                    $0.timestampsMillis = [1, 2]
                    $0.values = [1]
                })
        }
        #expect(error?.code == .invalidArgument)
    }
}

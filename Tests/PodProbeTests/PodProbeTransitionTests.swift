import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

@Suite struct PodProbeTransitionTests {
    private static let pod = "guaranteed"
    private static let start = Captures.first

    private static func date(_ offset: Double) -> Date { Date(timeIntervalSince1970: start.seconds + offset) }

    /// Looks at the capture, lets things happen, looks again ten seconds later.
    private static func after(
        _ edit: (inout KubeletState) throws -> Void
    ) async throws -> ProbeReport {
        var report = ProbeReport(outcome: .success)
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: start)
            try kubelet.replay.edit(edit)
            report = await probe.run(startedAt: start + .seconds(10))
        }
        #expect(report.outcome == .success)
        return report
    }

    @Test func `an OOM kill is an edge with its time, and a counter`() async throws {
        let report = try await Self.after { try $0.oomKill(pod: Self.pod, container: "x", at: Self.date(4)) }
        let identity: LabelSet = [
            "namespace": "oddsmaker", "workload": "Pod/guaranteed", "pod": "guaranteed", "container": "x",
            "node": "lab-node-1",
        ]
        let death: LabelSet = ["reason": "OOMKilled", "exitCode": "137", "signal": "9"]
        let at = Self.start + .seconds(4)
        #expect(
            report.edges.map(\.kind) == [
                .containerTerminated, .containerOOMKilled, .containerStarted, .containerRestarted,
            ])
        #expect(report.edges.allSatisfy { $0.labels == identity && $0.at == at && $0.count == 1 })
        #expect(report.edges[0].attributes == death && report.edges[1].attributes == death)
        #expect(report.edges[3].attributes == death)
        #expect(report.value("kube_pod_container_oom_kills_total", pod: Self.pod) == 1)
        #expect(report.value("kube_pod_container_restarts_total", pod: Self.pod) == 1)
    }

    @Test func `two OOM kills between two looks are two`() async throws {
        let report = try await Self.after { state in
            try state.oomKill(pod: Self.pod, container: "x", at: Self.date(2))
            try state.endRun(pod: Self.pod, container: "x", reason: "OOMKilled", exitCode: 137, at: Self.date(6))
        }
        let kills = report.edges(of: Self.pod, .containerOOMKilled)
        #expect(kills.map(\.at) == [Self.start + .seconds(2), Self.start + .seconds(6)])
        #expect(report.value("kube_pod_container_oom_kills_total", pod: Self.pod) == 2)
    }

    @Test func `ends that are out of view are counted without a reason`() async throws {
        let report = try await Self.after { state in
            for second in [1.0, 3, 5, 7] { try state.oomKill(pod: Self.pod, container: "x", at: Self.date(second)) }
        }
        let ends = report.edges(of: Self.pod, .containerTerminated)
        #expect(ends.map(\.count).reduce(0, +) == 4)
        #expect(ends.first { $0.attributes["reason"] == "unseen" }?.count == 3)
        #expect(report.edges(of: Self.pod, .containerRestarted).map(\.count) == [4])
        #expect(report.value("kube_pod_container_oom_kills_total", pod: Self.pod) == 1, "only what the kubelet says")
        #expect(report.value("kube_pod_container_restarts_total", pod: Self.pod) == 4)
    }

    @Test func `nothing is told twice`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Self.start)
            try kubelet.replay.edit { state in
                try state.endRun(pod: Self.pod, container: "x", reason: "OOMKilled", exitCode: 137, at: Self.date(5))
            }
            let ended = await probe.run(startedAt: Self.start + .seconds(10))
            #expect(ended.edges.map(\.kind) == [.containerTerminated, .containerOOMKilled, .readinessChanged])
            #expect(await probe.run(startedAt: Self.start + .seconds(20)).edges.isEmpty)
            try kubelet.replay.edit { try $0.startRun(pod: Self.pod, container: "x", at: Self.date(25)) }
            let started = await probe.run(startedAt: Self.start + .seconds(30))
            #expect(started.edges.map(\.kind) == [.containerStarted, .containerRestarted, .readinessChanged])
            #expect(started.value("kube_pod_container_oom_kills_total", pod: Self.pod) == 1)
            #expect(await probe.run(startedAt: Self.start + .seconds(40)).edges.isEmpty)
        }
    }

    @Test func `a crash loop shows its reason, and the way out`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Self.start)
            try kubelet.replay.edit { state in
                try state.endRun(
                    pod: Self.pod, container: "x", reason: "Error", exitCode: 143, thenWaiting: "CrashLoopBackOff",
                    at: Self.date(5))
            }
            let down = await probe.run(startedAt: Self.start + .seconds(10))
            let end = try #require(down.edges(of: Self.pod, .containerTerminated).first)
            #expect(end.attributes == ["reason": "Error", "exitCode": "143", "signal": "15"])
            #expect(down.edges(of: Self.pod, .waitingReasonChanged).map(\.attributes) == [["to": "CrashLoopBackOff"]])
            #expect(
                down.edges(of: Self.pod, .readinessChanged).map(\.attributes) == [
                    ["from": "true", "to": "false", "reason": "ContainersNotReady"]
                ])
            #expect(down.value("kube_pod_ready", pod: Self.pod) == 0)
            #expect(down.value("kube_pod_container_ready", pod: Self.pod) == 0)
            try kubelet.replay.edit { try $0.startRun(pod: Self.pod, container: "x", at: Self.date(15)) }
            let up = await probe.run(startedAt: Self.start + .seconds(20))
            #expect(up.edges(of: Self.pod, .waitingReasonChanged).map(\.attributes) == [["from": "CrashLoopBackOff"]])
            #expect(up.value("kube_pod_ready", pod: Self.pod) == 1)
        }
    }

    @Test func `readiness has the time of the kubelet`() async throws {
        let report = try await Self.after { try $0.setReady(pod: "ledger-0", false, at: Self.date(7)) }
        #expect(report.edges.map(\.kind) == [.readinessChanged])
        #expect(report.edges[0].at == Self.start + .seconds(7))
        #expect(report.value("kube_pod_ready", pod: "ledger-0") == 0)
    }

    @Test func `a pod that fails has its phase and reason`() async throws {
        let report = try await Self.after { try $0.setPhase(pod: Self.pod, "Failed", reason: "Evicted") }
        #expect(report.edges.map(\.attributes) == [["from": "Running", "to": "Failed", "reason": "Evicted"]])
        #expect(report.value("kube_pod_ready", pod: Self.pod) == nil)
        #expect(report.value("kube_pod_container_restarts_total", pod: Self.pod) == 0)
    }

    @Test func `a deleted pod is gone at once, a vanished one at the second look`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Self.start)
            try kubelet.replay.edit { try $0.beginDeletion(pod: "ledger-0", at: Self.date(5)) }
            let deleting = await probe.run(startedAt: Self.start + .seconds(10))
            #expect(deleting.edges.isEmpty)
            #expect(deleting.value("kube_pod_ready", pod: "ledger-0") == nil, "it is not asked to be ready any more")
            try kubelet.replay.edit { state in
                try state.remove(pod: "ledger-0")
                try state.remove(pod: Self.pod)
            }
            let first = await probe.run(startedAt: Self.start + .seconds(20))
            #expect(first.edges.map(\.kind) == [.podGone])
            #expect(first.edges[0].attributes == ["phase": "Running", "reason": "deleted"])
            let second = await probe.run(startedAt: Self.start + .seconds(30))
            #expect(second.edges.map(\.kind) == [.podGone])
            #expect(second.edges[0].labels[LabelName.pod] == Self.pod)
            #expect(second.edges[0].at == Self.start + .seconds(20), "the first look without it")
            #expect(second.edges[0].attributes["reason"] == "vanished")
            #expect(await probe.run(startedAt: Self.start + .seconds(40)).edges.isEmpty)
        }
    }

    @Test func `a pod that is missing once and comes back was never gone`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Self.start)
            let whole = kubelet.replay.state
            try kubelet.replay.edit { try $0.remove(pod: Self.pod) }
            #expect(await probe.run(startedAt: Self.start + .seconds(10)).edges.isEmpty)
            kubelet.replay.show(whole)
            try kubelet.replay.edit { try $0.oomKill(pod: Self.pod, container: "x", at: Self.date(15)) }
            let back = await probe.run(startedAt: Self.start + .seconds(20))
            #expect(back.edges(of: Self.pod, .containerOOMKilled).count == 1)
            #expect(back.edges(of: Self.pod, .podGone).isEmpty)
        }
    }

    @Test func `static pods alone are believed after a minute`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Self.start)
            kubelet.replay.fail(.staticPodsOnly)
            for second in stride(from: 10, to: 70, by: 10) {
                let report = await probe.run(startedAt: Self.start + .seconds(second))
                #expect(report.outcome.failureClass == .unavailable)
            }
            let drained = await probe.run(startedAt: Self.start + .seconds(70))
            #expect(drained.outcome == .success)
            #expect(drained.value("kube_pod_ready", pod: "static-relay-lab-node-1") == 1)
        }
    }

    @Test func `a new pod of the same name is another pod`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Self.start)
            try kubelet.replay.edit { try $0.oomKill(pod: "ledger-0", container: "ledger", at: Self.date(5)) }
            _ = await probe.run(startedAt: Self.start + .seconds(10))
            try kubelet.replay.edit { state in
                try state.addPod(copyOf: "ledger-0", name: "ledger-new", uid: "another", at: Self.date(15))
                try state.remove(pod: "ledger-0")
                try state.editPod("ledger-new") { $0["metadata"]?["name"] = .string("ledger-0") }
                try state.oomKill(pod: "ledger-0", container: "ledger", at: Self.date(18))
            }
            let report = await probe.run(startedAt: Self.start + .seconds(20))
            let edges = report.edges(of: "ledger-0")
            #expect(
                edges.filter { $0.kind == .podGone }.map(\.attributes) == [["phase": "Running", "reason": "replaced"]])
            #expect(edges.filter { $0.kind == .containerStarted }.count == 2)
            #expect(edges.filter { $0.kind == .containerOOMKilled }.count == 1)
            #expect(edges.allSatisfy { $0.labels[LabelName.workload] == "StatefulSet/ledger" })
            #expect(
                report.value("kube_pod_container_oom_kills_total", pod: "ledger-0") == 2, "the counter does not fall")
            #expect(report.value("kube_pod_container_restarts_total", pod: "ledger-0") == 1)
        }
    }

    @Test func `counters of a new pod start from zero at the look without it`() async throws {
        let report = try await Self.after { state in
            try state.addPod(copyOf: Self.pod, name: "fresh", uid: "fresh-uid", at: Self.date(3))
            try state.oomKill(pod: "fresh", container: "x", at: Self.date(6))
        }
        let kills = report.samples.filter {
            $0.series.metric == "kube_pod_container_oom_kills_total" && $0.series.labels[LabelName.pod] == "fresh"
        }
        #expect(kills.map(\.value) == [0, 1])
        #expect(kills.map(\.timestamp) == [Self.start, Self.start + .seconds(10)])
        #expect(report.edges(of: "fresh", .containerOOMKilled).count == 1)
        #expect(report.edges(of: "fresh", .phaseChanged).map(\.attributes) == [["from": "Pending", "to": "Running"]])
    }

    @Test func `an old pod that turns up late has no history told`() async throws {
        let report = try await Self.after { state in
            try state.addPod(copyOf: "oom-killed", name: "late", uid: "late-uid", at: Self.date(-3600))
        }
        #expect(report.edges.isEmpty)
        #expect(report.value("kube_pod_container_oom_kills_total", pod: "late") == 0)
    }

    @Test func `a restart count that falls starts over`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            try kubelet.replay.edit { state in
                try state.editContainer(pod: Self.pod, container: "x") { $0["restartCount"] = .int(9) }
            }
            _ = await probe.run(startedAt: Self.start)
            try kubelet.replay.edit { state in
                try state.editContainer(pod: Self.pod, container: "x") { $0["restartCount"] = .int(0) }
            }
            #expect(await probe.run(startedAt: Self.start + .seconds(10)).edges.isEmpty)
            try kubelet.replay.edit { try $0.oomKill(pod: Self.pod, container: "x", at: Self.date(15)) }
            let report = await probe.run(startedAt: Self.start + .seconds(20))
            #expect(report.edges(of: Self.pod, .containerRestarted).map(\.count) == [1])
            #expect(report.edges(of: Self.pod, .containerTerminated).map { $0.attributes["reason"] } == ["OOMKilled"])
        }
    }

    @Test func `the limit follows a resize, and a pod's usage its own`() async throws {
        let report = try await Self.after { state in
            try state.setMemoryLimit(pod: Self.pod, container: "x", "96Mi")
            try state.setWorkingSet(pod: Self.pod, container: "x", bytes: 90_000_000)
        }
        #expect(report.value("container_spec_memory_limit_bytes", pod: Self.pod) == 100_663_296)
        #expect(report.value("container_memory_working_set_bytes", pod: Self.pod) == 90_000_000)
        #expect(report.value("container_spec_memory_limit_bytes", pod: "besteffort") == nil)
        #expect(report.value("container_network_receive_bytes_total", pod: "host-net") == nil, "that is the node's")
    }
}

import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

/// Five and a half minutes of a real node with everything that goes wrong, seen by a probe every ten seconds.
@Suite struct PodProbeReplayTests {
    private struct Story {
        var edges: [Edge] = []
        var last = ProbeReport(outcome: .success)
        var neverReady: Set<String> = []

        func count(_ kind: Edge.Kind, _ pod: String, reason: String? = nil) -> Int {
            edges.filter { edge in
                edge.kind == kind && edge.labels[LabelName.pod] == pod
                    && (reason == nil || edge.attributes["reason"] == reason)
            }.reduce(0) { $0 + $1.count }
        }

        func kinds(_ pod: String) -> Set<Edge.Kind> {
            Set(edges.filter { $0.labels[LabelName.pod] == pod }.map(\.kind))
        }
        func waited(_ pod: String) -> Set<String> {
            Set(
                edges.filter { $0.kind == .waitingReasonChanged && $0.labels[LabelName.pod] == pod }
                    .compactMap { $0.attributes["to"] })
        }
    }

    private static func story(_ directory: String) async throws -> Story {
        var story = Story()
        try await TestKubelet.with(try Captures.frame(0, in: directory)) { kubelet in
            let probe = kubelet.probe()
            var ready: Set<String> = []
            for number in 0..<Captures.frames {
                kubelet.replay.show(try Captures.frame(number, in: directory))
                story.last = await probe.run(startedAt: Captures.frameTime(number))
                #expect(story.last.outcome == .success, "look \(number)")
                story.edges += story.last.edges
                for sample in story.last.samples where sample.series.metric == "kube_pod_ready" {
                    let pod = sample.series.labels[LabelName.pod] ?? ""
                    if sample.value == 1 { ready.insert(pod) }
                    story.neverReady.insert(pod)
                }
            }
            story.neverReady.subtract(ready)
        }
        return story
    }

    @Test func `each failing pod is told, each healthy one is quiet`() async throws {
        let story = try await Self.trimmed.value
        try Self.checkRestarting(story)
        Self.checkWaiting(story)
        Self.checkEnding(story)
        Self.checkHealthy(story)
    }

    private static let trimmed = Task { try await story("\(Captures.directory)/replay") }

    private static let fullCaptures =
        (ProcessInfo.processInfo.environment["TOCSIN_SHARED"] ?? "\(Captures.directory)/../../../../shared")
        + "/fixtures/k8s/replay"

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: fullCaptures),
            "the uncut captures are not here; TOCSIN_SHARED names the folder that has fixtures/k8s/replay"))
    func `the uncut captures tell the same`() async throws {
        let directory = Self.fullCaptures
        let full = try await Self.story(directory)
        let trimmed = try await Self.trimmed.value
        #expect(full.edges == trimmed.edges)
        #expect(full.last == trimmed.last)
    }

    private static func checkRestarting(_ story: Story) throws {
        // Each run that ended is an edge: at the last look the fifth restart's run is over too.
        #expect(story.count(.containerOOMKilled, "oom-killed") == 6)
        #expect(story.last.value("kube_pod_container_oom_kills_total", pod: "oom-killed") == 6)
        #expect(story.count(.containerTerminated, "oom-killed", reason: "OOMKilled") == 6)
        #expect(story.count(.containerRestarted, "oom-killed") == 5)
        #expect(story.count(.containerTerminated, "crash-loop", reason: "Error") == 6)
        #expect(story.count(.containerRestarted, "crash-loop") == 5)
        #expect(story.waited("crash-loop") == ["CrashLoopBackOff"])
        #expect(story.count(.containerTerminated, "bad-command", reason: "StartError") == 5)
        #expect(
            story.count(.containerTerminated, "bad-command", reason: "unseen") == 1, "two ends in the first ten seconds"
        )
        #expect(story.count(.containerStarted, "bad-command") == 0, "it never ran")
        #expect(story.count(.containerTerminated, "live-fail", reason: "Completed") == 6)
        #expect(story.count(.containerRestarted, "live-fail") == 6)
        #expect(story.count(.containerTerminated, "multi", reason: "Error") == 5)
        let multi = story.edges.filter { $0.kind == .containerTerminated && $0.labels[LabelName.pod] == "multi" }
        #expect(Set(multi.map { $0.labels[LabelName.container] }) == ["flaky"])
        #expect(multi.allSatisfy { $0.attributes["exitCode"] == "9" && $0.attributes["signal"] == nil })
        for pod in ["startup-fail", "poststart-fail", "init-fail"] {
            #expect(story.count(.containerRestarted, pod) >= 2, "\(pod)")
            #expect(story.count(.containerTerminated, pod) >= 3, "\(pod)")
        }
        let initEdges = story.edges.filter {
            $0.labels[LabelName.pod] == "init-fail" && $0.kind == .containerTerminated
        }
        #expect(initEdges.allSatisfy { $0.attributes["init"] == "true" })
        // The kernel kills a child and the container lives: the kubelet shows nothing.
        #expect(story.kinds("oom-child").isSubset(of: [.containerStarted, .phaseChanged, .readinessChanged]))
    }

    private static func checkWaiting(_ story: Story) {
        #expect(story.waited("pull-never") == ["ErrImageNeverPull"])
        #expect(story.waited("bad-image-name") == ["InvalidImageName"])
        #expect(story.waited("missing-configmap") == ["CreateContainerConfigError"])
        for pod in ["pull-dns", "pull-notfound"] {
            #expect(
                story.waited(pod).isSubset(of: ["ErrImagePull", "ImagePullBackOff"]) && !story.waited(pod).isEmpty,
                "\(pod)")
        }
        let stuck = Set(
            story.edges.filter {
                $0.labels[LabelName.workload] == "Deployment/oddsmaker-stuck" && $0.kind == .waitingReasonChanged
            }.compactMap { $0.attributes["to"] })
        #expect(!stuck.isEmpty && stuck.isSubset(of: ["ErrImagePull", "ImagePullBackOff"]))
        let never = [
            "never-ready", "refused-ready", "probe-timeout", "startup-fail", "poststart-fail", "bad-command",
            "init-fail", "pull-dns",
            "pull-notfound", "pull-never", "bad-image-name", "missing-configmap", "missing-secret-volume",
        ]
        #expect(story.neverReady.isSuperset(of: never), "\(Set(never).subtracting(story.neverReady))")
    }

    private static func checkEnding(_ story: Story) {
        #expect(story.count(.phaseChanged, "evicted", reason: "Evicted") == 1)
        #expect(story.count(.containerTerminated, "evicted", reason: "Error") == 1)
        #expect(story.count(.phaseChanged, "deadline", reason: "DeadlineExceeded") == 1)
        let exit = story.edges.filter { $0.labels[LabelName.pod] == "exit-never" && $0.kind == .containerTerminated }
        #expect(exit.map { $0.attributes["exitCode"] } == ["42"])
        for pod in ["finalizer-stuck", "slow-term"] {
            let ends = story.edges.filter { $0.labels[LabelName.pod] == pod && $0.kind == .containerTerminated }
            #expect(ends.allSatisfy { $0.attributes["deleting"] == "true" }, "\(pod)")
        }
        // Jobs, finished pods and pods under deletion are not asked to be ready.
        for pod in ["evicted", "exit-never", "deadline", "finalizer-stuck"] {
            #expect(story.last.value("kube_pod_ready", pod: pod) == nil, "\(pod)")
        }
        let jobs = story.last.samples.filter { $0.series.labels[LabelName.workload]?.contains("Job/") == true }
        #expect(!jobs.isEmpty && jobs.allSatisfy { $0.series.metric != "kube_pod_ready" })
        let failed = story.edges.filter {
            $0.labels[LabelName.workload] == "Job/settle-fail" && $0.kind == .phaseChanged
        }
        #expect(failed.contains { $0.attributes["to"] == "Failed" })
    }

    private static func checkHealthy(_ story: Story) {
        let workloads: Set = [
            "Deployment/oddsmaker-control", "Deployment/oddsmaker-feed", "DaemonSet/node-exporterish",
            "StatefulSet/ledger",
            "StaticPod/static-relay", "Pod/with-init", "Pod/with-sidecar", "Pod/host-net", "Pod/guaranteed",
            "Pod/besteffort",
            "Pod/throttled", "Pod/log-shapes", "Pod/log-flood",
        ]
        let trouble = story.edges.filter { edge in
            guard workloads.contains(edge.labels[LabelName.workload] ?? ""), edge.attributes["deleting"] != "true"
            else { return false }
            switch edge.kind {
            case .containerStarted, .phaseChanged, .podGone: return false
            case .readinessChanged: return edge.attributes["to"] != "true"
            case .containerTerminated: return edge.attributes["exitCode"] != "0"
            default: return true
            }
        }
        #expect(trouble.map(\.line) == [])
        let ready = story.last.samples.filter {
            $0.series.metric == "kube_pod_ready" && workloads.contains($0.series.labels[LabelName.workload] ?? "")
        }
        #expect(Set(ready.map { $0.series.labels[LabelName.workload] }).count == workloads.count)
        #expect(ready.allSatisfy { $0.value == 1 })
        let gone = story.edges.filter { $0.kind == .podGone && workloads.contains($0.labels[LabelName.workload] ?? "") }
        #expect(gone.count == 3, "two pods of the old feed, one of control scaled down")
        // With a grace period of three seconds no look saw their deletion.
        #expect(gone.allSatisfy { $0.attributes["reason"] == "vanished" })
    }
}

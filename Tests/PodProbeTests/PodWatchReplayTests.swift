import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

/// The captured watch of a node with everything that goes wrong, line by line with its arrival times, over TLS.
@Suite(.timeLimit(.minutes(3)))
struct PodWatchReplayTests {
    private static let start = Timestamp(millis: 1_795_559_870_000)

    private struct Story {
        /// Each edge with the arrival second of its line.
        var edges: [(edge: Edge, second: Double)] = []
        var latencies: [Duration] = []
        var last = ProbeReport(outcome: .success)

        func count(_ kind: Edge.Kind, _ pod: String, reason: String? = nil) -> Int {
            of(kind, pod, reason: reason).reduce(0) { $0 + $1.edge.count }
        }

        func of(_ kind: Edge.Kind, _ pod: String, reason: String? = nil) -> [(edge: Edge, second: Double)] {
            edges.filter {
                $0.edge.kind == kind && $0.edge.labels[LabelName.pod] == pod
                    && (reason == nil || $0.edge.attributes["reason"] == reason)
            }
        }

        func waited(_ pod: String) -> Set<String> {
            Set(of(.waitingReasonChanged, pod).compactMap { $0.edge.attributes["to"] })
        }
    }

    private static let story = Task { try await play() }

    private static func play() async throws -> Story {
        let (lines, arrivals) = try WatchCapture.load()
        var story = Story()
        try await TestApiServer.with { test in
            let deadline = ContinuousClock.now + .seconds(20)
            while test.replay.watchCount == 0 {
                try #require(ContinuousClock.now < deadline)
                try await Task.sleep(for: .milliseconds(2))
            }
            var nextRun = 10.0
            for (index, line) in lines.enumerated() {
                while arrivals[index] >= nextRun {
                    story.last = await test.probe.run(startedAt: start + .milliseconds(Int(nextRun * 1000)))
                    #expect(story.last.outcome == .success)
                    nextRun += 10
                }
                test.clock.set(start + .milliseconds(Int(arrivals[index] * 1000)))
                let before = test.pushed.batches.count
                let sent = ContinuousClock.now
                try test.replay.send(line)
                try await test.until("line \(index)") { $0.lines > index }
                for batch in test.pushed.batches.dropFirst(before) {
                    story.latencies.append(sent.duration(to: batch.instant))
                    story.edges += batch.edges.map { ($0, arrivals[index]) }
                }
            }
            story.last = await test.probe.run(startedAt: start + .seconds(330))
            let counters = await test.probe.counters
            #expect(counters.unreadable == 0 && counters.watches == 1)
        }
        return story
    }

    @Test func `each failing pod is told at its time`() async throws {
        let story = try await Self.story.value
        #expect(story.count(.containerOOMKilled, "oom-killed") == 6)
        #expect(story.last.value("kube_pod_container_oom_kills_total", pod: "oom-killed") == 6)
        #expect(story.count(.containerTerminated, "crash-loop", reason: "Error") == 6)
        #expect(story.waited("crash-loop") == ["CrashLoopBackOff"])
        #expect(story.waited("pull-never") == ["ErrImageNeverPull"])
        #expect(story.waited("bad-image-name") == ["InvalidImageName"])
        #expect(story.waited("missing-configmap") == ["CreateContainerConfigError"])
        for pod in ["pull-dns", "pull-notfound"] {
            #expect(!story.waited(pod).isEmpty && story.waited(pod).isSubset(of: ["ErrImagePull", "ImagePullBackOff"]))
        }
        for pod in ["startup-fail", "poststart-fail", "init-fail", "live-fail", "bad-command", "multi"] {
            #expect(story.count(.containerTerminated, pod) >= 3, "\(pod)")
        }
        for pod in ["never-ready", "refused-ready", "probe-timeout"] {
            #expect(story.last.value("kube_pod_ready", pod: pod) == 0, "\(pod)")
        }
        #expect(story.count(.phaseChanged, "evicted", reason: "Evicted") == 1)
        #expect(story.count(.phaseChanged, "deadline", reason: "DeadlineExceeded") == 1)
        let ends = story.of(.containerTerminated, "exit-never")
        #expect(ends.map { $0.edge.attributes["exitCode"] } == ["42"])
        // A watch shows what ten-second looks cannot.
        for (edge, second) in story.edges where edge.kind == .containerTerminated {
            let happened = (edge.at - Self.start).inSeconds
            #expect(happened <= second + 0.001 && second - happened < 5, "\(edge) came at \(second)")
        }
    }

    @Test func `healthy pods are quiet`() async throws {
        let story = try await Self.story.value
        let workloads: Set = [
            "Deployment/oddsmaker-control", "Deployment/oddsmaker-feed", "DaemonSet/node-exporterish",
            "StatefulSet/ledger", "StaticPod/static-relay", "Pod/with-init", "Pod/with-sidecar", "Pod/host-net",
            "Pod/guaranteed", "Pod/besteffort", "Pod/throttled", "Pod/log-shapes", "Pod/log-flood",
        ]
        let trouble = story.edges.map(\.edge).filter { edge in
            guard workloads.contains(edge.labels[LabelName.workload] ?? ""), edge.attributes["deleting"] != "true"
            else { return false }
            switch edge.kind {
            case .containerStarted, .phaseChanged, .podGone: return false
            case .readinessChanged: return edge.attributes["to"] != "true"
            case .containerTerminated: return edge.attributes["exitCode"] != "0"
            default: return true
            }
        }
        #expect(trouble == [])
        let gone = story.edges.map(\.edge).filter { $0.kind == .podGone }
        #expect(gone.count == 3 && gone.allSatisfy { $0.attributes["reason"] == "deleted" })
    }

    @Test func `edges leave within a moment of their line`() async throws {
        let latencies = try await Self.story.value.latencies.sorted()
        try #require(latencies.count > 100)
        let p50 = latencies[latencies.count / 2]
        let p99 = latencies[latencies.count * 99 / 100]
        #expect(p99 < .seconds(1), "median \(p50), p99 \(p99)")
        if ProcessInfo.processInfo.environment["TOCSIN_FIGURES"] != nil {
            Issue.record("edge latency over \(latencies.count) batches: median \(p50), p99 \(p99)", severity: .warning)
        }
    }
}

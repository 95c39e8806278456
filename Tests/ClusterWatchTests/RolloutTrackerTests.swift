import ClusterWatch
import Foundation
import Telemetry
import Testing

/// What becomes of Deployments and ReplicaSets, over real captures.
@Suite struct RolloutTrackerTests {
    private let now = ClusterCapture.now
    private static let images = "registry.lab.internal/busybox:1.35"

    private func replicaSets() throws -> [ReplicaSetState] { try ClusterCapture.list("api/replicasets.json.gz") }
    private func deployments() throws -> [DeploymentState] { try ClusterCapture.list("api/deployments.json.gz") }

    @Test func `the first list tells of the last rollouts with what was before`() throws {
        var tracker = RolloutTracker()
        let edges = tracker.take(all: try replicaSets(), in: nil, isComplete: true, now: now)
        #expect(
            edges.map { $0.says("revision", "hash", "images", "previousRevision", "previousHash") } == [
                "rollout_started namespace=oddsmaker workload=Deployment/oddsmaker-control revision=1 hash=77f67f84db "
                    + "images=control=\(Self.images) previousRevision=- previousHash=-",
                "rollout_started namespace=oddsmaker workload=Deployment/oddsmaker-feed revision=2 hash=78f4f857d4 "
                    + "images=feed=\(Self.images) previousRevision=1 previousHash=577c78c657",
                "rollout_started namespace=oddsmaker workload=Deployment/oddsmaker-stuck revision=2 hash=67c464fbc6 "
                    + "images=stuck=127.0.0.1:5000/oddsmaker/stuck:2.0 previousRevision=1 previousHash=54bd899c4f",
            ])
        // 22:37:52, 22:39:25 and 22:39:35.
        #expect(edges.map(\.at.millis) == [1_795_559_872_000, 1_795_559_965_000, 1_795_559_975_000])
        let ends = tracker.take(all: try deployments(), in: nil, isComplete: true, now: now)
        #expect(
            ends.map { $0.says("revision", "message") } == [
                "rollout_finished namespace=oddsmaker workload=Deployment/oddsmaker-control revision=1 message=-",
                "rollout_finished namespace=oddsmaker workload=Deployment/oddsmaker-feed revision=2 message=-",
                "rollout_stuck namespace=oddsmaker workload=Deployment/oddsmaker-stuck revision=2 "
                    + #"message=ReplicaSet "oddsmaker-stuck-67c464fbc6" has timed out progressing."#,
            ])
        #expect(tracker.edges == 6)
        #expect(tracker.take(all: try replicaSets(), in: nil, isComplete: true, now: now).isEmpty)
        #expect(tracker.take(all: try deployments(), in: nil, isComplete: true, now: now).isEmpty)
    }

    @Test func `what happened long before the first list is a base line`() throws {
        var tracker = RolloutTracker()
        let later = now + .seconds(2 * 86_400)
        #expect(tracker.take(all: try replicaSets(), in: nil, isComplete: true, now: later).isEmpty)
        #expect(tracker.take(all: try deployments(), in: nil, isComplete: true, now: later).isEmpty)
        // What comes after it is news.
        var next = try #require(try replicaSets().first { $0.name == "oddsmaker-feed-78f4f857d4" })
        (next.uid, next.name, next.hash, next.revision) = ("new", "oddsmaker-feed-abc", "abc", 3)
        next.createdAt = later
        let edge = tracker.take(next, now: later)
        #expect(
            edge?.says("revision", "previousRevision", "previousHash").hasSuffix(
                "=3 previousRevision=2 previousHash=78f4f857d4") == true)
    }

    @Test func `after a restart what is stored is not told again, and what was missed is`() throws {
        let sets = try replicaSets()
        var first = RolloutTracker()
        let old = sets.filter { $0.revision == 1 }
        var stored = first.take(all: old, in: nil, isComplete: true, now: now)
        #expect(stored.count == 3)
        stored += first.take(
            all: try deployments().filter { $0.name == "oddsmaker-control" }, in: nil, isComplete: true, now: now)
        var second = RolloutTracker()
        for edge in stored { second.restore(edge) }
        let late = now + .seconds(3 * 86_400)
        let edges = second.take(all: sets, in: nil, isComplete: true, now: late)
        #expect(
            edges.map { $0.labels[LabelName.workload] } == ["Deployment/oddsmaker-feed", "Deployment/oddsmaker-stuck"])
        let ends = second.take(all: try deployments(), in: nil, isComplete: true, now: now)
        #expect(ends.map { $0.labels[LabelName.workload] } == edges.map { $0.labels[LabelName.workload] })
    }

    @Test func `rolling back is a rollout of now, although its ReplicaSet is old`() throws {
        var tracker = RolloutTracker()
        _ = tracker.take(all: try replicaSets(), in: nil, isComplete: true, now: now)
        var back = try #require(try replicaSets().first { $0.name == "oddsmaker-feed-577c78c657" })
        (back.revision, back.isReused) = (3, true)
        let later = now + .seconds(60)
        let taken = tracker.take(back, now: later)
        let edge = try #require(taken)
        #expect(edge.at == later)
        #expect(edge.attributes["hash"] == "577c78c657" && edge.attributes["previousHash"] == "78f4f857d4")
        #expect(edge.attributes["revision"] == "3" && edge.attributes["previousRevision"] == "2")
        // A coordinator that first sees it then does not know when that was.
        var other = RolloutTracker()
        #expect(other.take(back, now: later) == nil)
    }

    @Test func `a stuck rollout may finish, and each end is told once`() throws {
        var tracker = RolloutTracker()
        _ = tracker.take(all: try replicaSets(), in: nil, isComplete: true, now: now)
        var stuck = try #require(try deployments().first { $0.name == "oddsmaker-stuck" })
        #expect(tracker.take(stuck, now: now)?.kind == .rolloutStuck)
        #expect(tracker.take(stuck, now: now) == nil)
        stuck.progress = .unsettled
        #expect(tracker.take(stuck, now: now) == nil)
        stuck.progress = .finished
        #expect(tracker.take(stuck, now: now)?.kind == .rolloutFinished)
        stuck.progress = .stuck("again")
        #expect(tracker.take(stuck, now: now) == nil)
        stuck.revision = 3
        #expect(tracker.take(stuck, now: now)?.kind == .rolloutStuck)
    }

    @Test func `conditions of an older generation say nothing of the new revision`() throws {
        let text = """
            {"metadata":{"uid":"u","namespace":"a","name":"d","generation":3,\
            "annotations":{"deployment.kubernetes.io/revision":"2"}},"status":{"observedGeneration":2,"conditions":[\
            {"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable","lastUpdateTime":"2026-11-24T22:40:00Z"}]}}
            """
        func state(_ text: String) throws -> DeploymentState {
            try JSONDecoder().decode(DeploymentState.self, from: Data(text.utf8))
        }
        #expect(try state(text).progress == .unsettled)
        #expect(
            try state(text.replacing("\"observedGeneration\":2", with: "\"observedGeneration\":3")).progress
                == .finished)
    }

    @Test func `pods and ReplicaSets lead to their Deployment`() throws {
        var tracker = RolloutTracker()
        _ = tracker.take(all: try replicaSets(), in: nil, isComplete: true, now: now)
        #expect(tracker.deployment(of: "ReplicaSet", "oddsmaker-feed-78f4f857d4", in: "oddsmaker") == "oddsmaker-feed")
        #expect(tracker.deployment(of: "Pod", "oddsmaker-feed-78f4f857d4-x7k2p", in: "oddsmaker") == "oddsmaker-feed")
        #expect(tracker.deployment(of: "Pod", "oddsmaker-feed-78f4f857d4-x7k2p", in: "other") == nil)
        #expect(tracker.deployment(of: "Pod", "ledger-0", in: "oddsmaker") == nil)
        #expect(tracker.deployment(of: "Pod", "besteffort", in: "oddsmaker") == nil)
    }

    @Test func `a Deployment that goes is forgotten, and late lines of its ReplicaSets are no rollout`() throws {
        var tracker = RolloutTracker()
        let sets = try replicaSets()
        _ = tracker.take(all: sets, in: nil, isComplete: true, now: now)
        _ = tracker.take(all: try deployments(), in: nil, isComplete: true, now: now)
        let feed = sets.filter { $0.ownerName == "oddsmaker-feed" }
        tracker.remove(try #require(try deployments().first { $0.name == "oddsmaker-feed" }))
        for set in feed { #expect(tracker.take(set, now: now) == nil) }
        for set in feed { tracker.remove(set) }
        #expect(tracker.count == 2)
        #expect(tracker.deployment(of: "ReplicaSet", feed[0].name, in: "oddsmaker") == nil)
        // A list without the others, of another namespace first.
        let none: [ReplicaSetState] = []
        _ = tracker.take(all: none, in: "elsewhere", isComplete: true, now: now)
        #expect(tracker.count == 2)
        _ = tracker.take(all: none, in: "oddsmaker", isComplete: false, now: now)
        #expect(tracker.count == 2)
        _ = tracker.take(all: none, in: "oddsmaker", isComplete: true, now: now)
        #expect(tracker.count == 0)
    }

    @Test func `history is not held, and Deployments are bounded`() throws {
        var configuration = RolloutTracker.Configuration()
        configuration.deploymentsMax = 1
        var tracker = RolloutTracker(configuration)
        let feed = try #require(try replicaSets().first { $0.name == "oddsmaker-feed-78f4f857d4" })
        for revision in 1...10 {
            var set = feed
            (set.uid, set.name, set.revision) = ("\(revision)", "oddsmaker-feed-\(revision)", revision)
            #expect(tracker.take(set, now: now)?.attributes["revision"] == String(revision))
        }
        #expect(tracker.deployment(of: "ReplicaSet", "oddsmaker-feed-10", in: "oddsmaker") == "oddsmaker-feed")
        #expect(tracker.deployment(of: "ReplicaSet", "oddsmaker-feed-7", in: "oddsmaker") == nil)
        #expect(tracker.take(all: try replicaSets(), in: nil, isComplete: false, now: now).isEmpty)
        #expect(tracker.count == 1 && tracker.leftOut >= 2)
    }
}

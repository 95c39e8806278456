import ClusterWatch
import Foundation
import Telemetry
import Testing

/// What becomes of events, over real captures of both shapes.
@Suite struct EventTrackerTests {
    private let now = ClusterCapture.now

    private func nobody(_ kind: String, _ name: String) -> String? { nil }

    @Test func `both shapes say the same of the same event`() throws {
        let core: [ClusterEvent] = try ClusterCapture.list("api/events.1.json.gz")
        let other: [ClusterEvent] = try ClusterCapture.list("api/events-k8s-io.json.gz")
        #expect(core.count == 270 && other.count == 270)
        let byUID = Dictionary(other.map { ($0.uid, $0) }, uniquingKeysWith: { $1 })
        // Some went on between the two lists.
        let same = core.filter { byUID[$0.uid]?.total == $0.total }
        #expect(same.count > 200)
        for event in same { #expect(byUID[event.uid] == event) }
        #expect(Set(same.map(\.component)).isSuperset(of: ["kubelet", "default-scheduler", "job-controller"]))
    }

    @Test func `both watches say the same of the same line`() throws {
        let core = try ClusterCapture.events(inWatch: "api/watch-events.ndjson.gz")
        let other = try ClusterCapture.events(inWatch: "api/watch-events-v1.ndjson.gz")
        #expect(core.count == 39 && other.count == 27)
        #expect(Set(other).isSubset(of: Set(core)))
    }

    @Test func `a series of the scheduler has its own count and time`() throws {
        let events: [ClusterEvent] = try ClusterCapture.list("api/events.1.json.gz")
        let pending = try #require(events.first { $0.object.name == "pending-cpu" && $0.total == 16 })
        var tracker = EventTracker()
        let taken = tracker.take(pending, now: now, deployment: nobody)
        let edge = try #require(taken)
        #expect(edge.count == 16 && edge.at == Timestamp(millis: 1_795_558_993_896))
        #expect(
            edge.says("type", "reason", "component", "object", "total")
                == "kubernetes_event namespace=oddsmaker pod=pending-cpu type=Warning reason=FailedScheduling "
                + "component=default-scheduler object=Pod/pending-cpu total=16")
        #expect(edge.attributes["message"]?.hasPrefix("0/1 nodes are available") == true)
    }

    @Test func `five minutes of a cluster give each occurrence once`() throws {
        let events = try ClusterCapture.events(inWatch: "replay/watch-events.ndjson.gz")
        #expect(events.count == 754)
        var tracker = EventTracker()
        let edges = events.compactMap { tracker.take($0, now: now, deployment: nobody) }
        #expect(edges.count == 754 && edges.reduce(0) { $0 + $1.count } == 841)
        #expect(tracker.count == 268)
        // What comes again is known, one by one and as a list.
        #expect(events.compactMap { tracker.take($0, now: now, deployment: nobody) }.isEmpty)
        #expect(tracker.take(all: events, isComplete: true, now: now, deployment: nobody).isEmpty)
        // Also to the one that comes after a restart.
        var next = EventTracker()
        for edge in edges { next.restore(edge) }
        #expect(next.take(all: events, isComplete: true, now: now, deployment: nobody).isEmpty)
    }

    @Test func `what is listed after an outage counts what was missed`() throws {
        let events = try ClusterCapture.events(inWatch: "api/watch-events.ndjson.gz")
        let repeated = Dictionary(grouping: events, by: \.uid).values.first { $0.count >= 3 }
        let (first, last) = (try #require(repeated?.first), try #require(repeated?.last))
        var tracker = EventTracker()
        _ = tracker.take(first, now: now, deployment: nobody)
        let edges = tracker.take(all: [last], isComplete: true, now: now, deployment: nobody)
        #expect(edges.map(\.count) == [last.total - first.total])
        #expect(edges.first?.at == last.at)
    }

    @Test func `an event that expired is forgotten, and recorded anew when it comes back`() throws {
        let event = try #require(ClusterCapture.events(inWatch: "api/watch-events.ndjson.gz").first)
        var tracker = EventTracker()
        _ = tracker.take(event, now: now, deployment: nobody)
        tracker.remove(event.uid)
        #expect(tracker.count == 0)
        _ = tracker.take(event, now: now, deployment: nobody)
        // Some of the list could not be read: what is missing may still be there.
        _ = tracker.take(all: [], isComplete: false, now: now, deployment: nobody)
        #expect(tracker.count == 1)
        _ = tracker.take(all: [], isComplete: true, now: now, deployment: nobody)
        #expect(tracker.count == 0)
    }

    @Test func `memory and edges are bounded`() throws {
        let events = try ClusterCapture.events(inWatch: "replay/watch-events.ndjson.gz")
        var configuration = EventTracker.Configuration()
        configuration.eventsMax = 40
        configuration.edgesPerHourMax = 100
        var tracker = EventTracker(configuration)
        let edges = events.compactMap { tracker.take($0, now: now, deployment: nobody) }
        #expect(edges.count == 100 && tracker.count <= 40)
        #expect(tracker.counters.edges == 100 && tracker.counters.edgesShed >= 654)
        #expect(tracker.counters.eventsForgotten >= 228)
        // The next hour has room again.
        let later = events.prefix(60).compactMap { tracker.take($0, now: now + .seconds(3600), deployment: nobody) }
        #expect(!later.isEmpty)
    }

    @Test func `an edge names container, node and workload where the event does`() throws {
        let events: [ClusterEvent] = try ClusterCapture.list("api/events.1.json.gz")
        var tracker = EventTracker()
        let edges = tracker.take(all: events, isComplete: true, now: now) { kind, name in
            (kind == "Pod" ? name.hasPrefix("oddsmaker-feed-") : name.hasPrefix("oddsmaker-")) ? "oddsmaker-feed" : nil
        }
        #expect(edges.count == 270 && edges.map(\.at) == edges.map(\.at).sorted())
        let workloads = Set(edges.compactMap { $0.labels[LabelName.workload] })
        #expect(
            workloads.isSuperset(of: [
                "Deployment/oddsmaker-feed", "StatefulSet/ledger", "DaemonSet/node-exporterish", "CronJob/recount",
            ]), "\(workloads.sorted())")
        let feed = edges.filter { $0.labels[LabelName.pod]?.hasPrefix("oddsmaker-feed-") == true }
        #expect(!feed.isEmpty && feed.allSatisfy { $0.labels[LabelName.workload] == "Deployment/oddsmaker-feed" })
        #expect(edges.contains { $0.labels[LabelName.container] == "migrate" })
        let onNode = try event(
            """
            {"metadata":{"name":"n.1","namespace":"default","uid":"u1"},"involvedObject":{"kind":"Node","name":"n"},\
            "reason":"NodeNotReady","message":"a\\nb\\u0007 ","type":"Normal","lastTimestamp":"2126-11-24T22:44:00Z"}
            """)
        let taken = tracker.take(onNode, now: now, deployment: nobody)
        let edge = try #require(taken)
        #expect(edge.says("message", "total") == "kubernetes_event node=n message=a b total=1")
        #expect(edge.at == now, "a time to come is none")
    }

    @Test func `a secret in a message is taken out`() throws {
        let probe = try event(
            """
            {"metadata":{"name":"n.1","namespace":"a","uid":"u1"},"regarding":{"kind":"Pod","name":"p"},\
            "note":"Readiness probe failed: Get http://app:hunter2@10.0.0.1/ password=hunter2"}
            """)
        var tracker = EventTracker()
        let message = tracker.take(probe, now: now, deployment: nobody)?.attributes["message"] ?? ""
        #expect(message.hasPrefix("Readiness probe failed") && !message.contains("hunter2"))
    }

    @Test func `a message of any length is cut`() throws {
        let text = String(repeating: "ä", count: 4000)
        let long = try event(
            """
            {"metadata":{"name":"n.1","namespace":"a","uid":"u1"},"regarding":{"kind":"Pod","name":"p"},"note":"\(text)"}
            """)
        var tracker = EventTracker()
        let message = tracker.take(long, now: now, deployment: nobody)?.attributes["message"] ?? ""
        #expect(message.hasPrefix("ää") && message.hasSuffix("…") && message.utf8.count <= 1024 + 3)
    }

    private func event(_ text: String) throws -> ClusterEvent {
        try JSONDecoder().decode(ClusterEvent.self, from: Data(text.utf8))
    }
}

import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

/// Every way in which a list or a watch goes wrong, against a server that checks tokens.
@Suite(.timeLimit(.minutes(3)))
struct PodWatchTests {
    private static let lines = Result { try WatchCapture.load().lines }

    private static func line(_ pod: String, version: Int, ready: Bool, uid: String = "u1", type: String = "MODIFIED")
        -> [UInt8]
    {
        let state =
            ready ? #""running":{"startedAt":"2026-11-24T22:38:00Z"}"# : #""waiting":{"reason":"CrashLoopBackOff"}"#
        return Array(
            """
            {"type":"\(type)","object":{"metadata":{"name":"\(pod)","namespace":"shop","uid":"\(uid)-\(pod)","resourceVersion":"\(version)"},\
            "spec":{"nodeName":"lab-node-1","containers":[{"name":"app"}]},"status":{"phase":"Running","startTime":"2026-11-24T20:00:00Z",\
            "conditions":[{"type":"Ready","status":"\(ready ? "True" : "False")"}],"containerStatuses":[{"name":"app","restartCount":0,\
            "ready":\(ready),"image":"x","containerID":"c1","state":{\(state)}}]}}}
            """.utf8)
    }

    private static func base(_ replay: ApiServerReplay) throws {
        for (index, pod) in ["a", "b", "c"].enumerated() {
            try replay.send(line(pod, version: 100 + index, ready: true, type: "ADDED"))
        }
    }

    /// Breaks something once the watch is open, mends it, and expects the one edge of what happened meanwhile.
    private func recovers(
        _ breakIt: (TestApiServer) async throws -> Void, mend: (TestApiServer) throws -> Void = { _ in },
        lists: Int?, idleTimeout: Duration = .seconds(30)
    ) async throws {
        try await TestApiServer.with(idleTimeout: idleTimeout, preparing: Self.base) { test in
            try await test.until("first list") { $0.lists == 1 && $0.watches >= 1 }
            try await wait { test.replay.watchCount == 1 }
            #expect(test.pushed.edges.isEmpty, "the first list is the base line")
            try await breakIt(test)
            try test.replay.send(Self.line("b", version: 200, ready: false))
            try mend(test)
            try await wait { !test.pushed.edges.isEmpty }
            // Whatever came twice was one transition.
            try test.replay.send(Self.line("a", version: 300, ready: false))
            try await wait { test.pushed.edges.contains { $0.labels[LabelName.pod] == "a" } }
            let readiness = test.pushed.edges.filter { $0.kind == .readinessChanged }
            #expect(readiness.map { $0.labels[LabelName.pod] } == ["b", "a"])
            #expect(!test.pushed.edges.contains { $0.kind == .podGone })
            if let lists { #expect(await test.probe.counters.lists == lists) }
            let report = await test.probe.run(startedAt: test.clock.now)
            #expect(report.outcome == .success)
            #expect(report.value("kube_pod_ready", pod: "b") == 0 && report.value("kube_pod_ready", pod: "c") == 1)
        }
    }

    private func wait(_ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "not within 20 s")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test func `a cut in the middle of an object goes on from the last version`() async throws {
        try await recovers({ $0.replay.cutWatches(inside: Self.line("c", version: 150, ready: false)) }, lists: 1)
    }

    @Test func `an orderly end goes on from the last version`() async throws {
        try await recovers({ $0.replay.endWatches() }, lists: 1)
    }

    @Test func `410 in a line of the watch lists again`() async throws {
        let line = try WatchCapture.text("watch-pods-410.ndjson")
        try await recovers({ $0.replay.endWatches(line: line) }, lists: 2)
    }

    @Test func `410 as status of the watch lists again`() async throws {
        let body = try WatchCapture.text("events-exact-old-rv-410.json")
        try await recovers(
            { test in
                test.replay.fail(.status(410, body), .watch)
                test.replay.endWatches()
                try await wait { test.replay.requests.count { $0.verb == .list } >= 2 }
            }, mend: { $0.replay.fail(nil, .watch) }, lists: nil)
    }

    @Test(arguments: [(500, "watch-events-bad-rv.ndjson"), (504, "pods-future-rv.json")])
    func `a server in trouble is asked again, and the list after the third refusal`(status: Int, file: String)
        async throws
    {
        let body = try WatchCapture.text(file)
        try await TestApiServer.with(preparing: Self.base) { test in
            try await wait { test.replay.watchCount == 1 }
            test.replay.fail(.status(status, body), .watch)
            test.replay.fail(.status(status, body), .list)
            test.replay.cutWatches()
            try await wait { test.replay.requests.count { $0.verb == .list } >= 2 }
            let watches = test.replay.requests.count { $0.verb == .watch }
            #expect(watches >= 4, "one that was fine, then three refusals")
            test.clock.set(test.clock.now + .seconds(40))
            let report = await test.probe.run(startedAt: test.clock.now)
            #expect(report.outcome.failureClass == .status)
            #expect("\(report.outcome)".contains(String(status)))
            #expect(report.samples.isEmpty)
            test.replay.fail(nil, .watch)
            test.replay.fail(nil, .list)
            try await wait { test.replay.watchCount == 1 }
            #expect(await test.probe.run(startedAt: test.clock.now).outcome == .success)
            #expect(test.pushed.edges.isEmpty)
        }
    }

    @Test func `403 is not final and asks no list`() async throws {
        try await recovers(
            { test in
                test.replay.fail(.status(403, #"{"code":403}"#), .watch)
                test.replay.cutWatches()
                try await wait { test.replay.requests.count { $0.verb == .watch } >= 5 }
                test.clock.set(test.clock.now + .seconds(31))
                let report = await test.probe.run(startedAt: test.clock.now)
                #expect(report.outcome.failureClass == .auth && "\(report.outcome)".contains("403"))
            }, mend: { $0.replay.fail(nil, .watch) }, lists: 1)
    }

    @Test func `401 reads the token again`() async throws {
        try await recovers(
            { test in
                test.replay.accept(tokens: ["rotated"])
                test.replay.cutWatches()
                let before = test.replay.requests.count
                try await wait { test.replay.requests.count >= before + 2 }
                try "rotated\n".write(toFile: test.tokenFile, atomically: true, encoding: .utf8)
                try await wait { test.replay.requests.last?.authorization == "Bearer rotated" }
            }, lists: 1)
    }

    @Test func `silence lists again, since a version from the future is never answered`() async throws {
        try await recovers(
            { test in
                test.replay.fail(.silence, .watch)
                test.replay.cutWatches()
                try await wait { test.replay.requests.count { $0.verb == .list } >= 2 }
            }, mend: { $0.replay.fail(nil, .watch) }, lists: nil, idleTimeout: .seconds(2))
    }

    @Test func `an empty list is believed when a second one says the same`() async throws {
        try await TestApiServer.with(preparing: Self.base) { test in
            try await wait { test.replay.watchCount == 1 }
            let empty = #"{"kind":"PodList","metadata":{"resourceVersion":"500"},"items":null}"#
            test.replay.fail(.body(empty), .list)
            test.replay.endWatches(line: try WatchCapture.text("watch-pods-410.ndjson"))
            try await wait { !test.pushed.edges.isEmpty }
            #expect(test.replay.requests.count { $0.verb == .list } == 3)
            #expect(test.pushed.edges.map(\.kind) == [.podGone, .podGone, .podGone])
        }
    }

    @Test func `a list cut or garbled at the start is asked again and fails meanwhile`() async throws {
        try await TestApiServer.with(preparing: { replay in
            replay.fail(.cut, .list)
            try Self.base(replay)
        }) { test in
            try await wait { test.replay.requests.count >= 2 }
            let report = await test.probe.run(startedAt: test.clock.now)
            #expect(report.outcome.failureClass == .body && report.samples.isEmpty, "\(report.outcome)")
            test.replay.fail(.body("<html>"), .list)
            test.replay.fail(nil, .list)
            try await wait { test.replay.watchCount == 1 }
            #expect(await test.probe.run(startedAt: test.clock.now).value("kube_pod_ready", pod: "a") == 1)
        }
    }

    @Test func `pages are put together and the node is asked for`() async throws {
        try await TestApiServer.with(pageSize: 2, preparing: Self.base) { test in
            try await wait { test.replay.watchCount == 1 }
            let lists = test.replay.requests.filter { $0.verb == .list }
            #expect(lists.count == 2 && lists[1].uri.contains("continue=2"))
            #expect(test.replay.requests.allSatisfy { $0.uri.contains("fieldSelector=spec.nodeName%3Dlab-node-1") })
            let report = await test.probe.run(startedAt: test.clock.now)
            #expect(report.samples.count { $0.series.metric == "kube_pod_ready" } == 3)
        }
    }

    @Test func `a deleted pod is gone at once and its series with it`() async throws {
        try await TestApiServer.with(preparing: Self.base) { test in
            try await wait { test.replay.watchCount == 1 }
            try test.replay.send(Self.line("b", version: 210, ready: true, type: "DELETED"))
            try test.replay.send(Self.line("b", version: 211, ready: true, uid: "u2", type: "ADDED"))
            try test.replay.send(Self.line("c", version: 212, ready: true, type: "DELETED"))
            try await test.until("three lines") { $0.lines >= 3 }
            let gone = test.pushed.edges.filter { $0.kind == .podGone }.map { $0.labels[LabelName.pod] }
            #expect(gone == ["b", "c"])
            let report = await test.probe.run(startedAt: test.clock.now)
            #expect(report.value("kube_pod_ready", pod: "b") == 1 && report.value("kube_pod_ready", pod: "c") == nil)
        }
    }
}

/// The captured watch, as the field selector of the node gives it.
enum WatchCapture {
    static func load() throws -> (lines: [[UInt8]], arrivals: [Double]) {
        let directory = Captures.directory + "/api"
        let bytes = try CaptureFile.read(directory + "/watch-pods-node.ndjson.gz")
        let lines = bytes.split(separator: 10).map(Array.init)
        let times = try Data(contentsOf: URL(filePath: directory + "/watch-pods-node.arrival-seconds.json"))
        return (lines, try JSONDecoder().decode([Double].self, from: times))
    }

    static func text(_ file: String) throws -> String {
        let text = String(decoding: try CaptureFile.read(Captures.directory + "/api/" + file), as: UTF8.self)
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

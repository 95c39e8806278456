import CurlHTTP
import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

@Suite struct KubeletReplayTests {
    private static func get(_ kubelet: TestKubelet, _ path: String, token: String? = TestKubelet.token) async
        -> HTTPResult
    {
        await TestKubelet.client.fetch(
            HTTPRequest(
                url: kubelet.endpoint + path, headers: token.map { [Label("Authorization", "Bearer \($0)")] } ?? [],
                connectTimeout: .seconds(15), totalTimeout: .seconds(30),
                trust: .roots(file: kubelet.tls.certificate, serverName: TestKubelet.node)))
    }

    private static func text(_ result: HTTPResult) -> (status: Int, body: String)? {
        guard case .response(let response) = result else { return nil }
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    @Test(arguments: [
        ("/pods", nil, 401, "Unauthorized"), ("/pods", "wrong", 401, "Unauthorized"),
        ("/stats/summary", nil, 401, "Unauthorized"), ("/nope", nil, 404, "404 page not found\n"),
        ("/healthz", TestKubelet.token, 200, "ok"),
    ])
    func `it refuses and answers in the kubelet's words`(
        path: String, token: String?, status: Int, body: String
    ) async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let answer = try #require(Self.text(await Self.get(kubelet, path, token: token)))
            #expect(answer == (status, body))
        }
    }

    @Test func `what was captured comes back unchanged`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            for (path, file) in [("/pods", "pods.1"), ("/stats/summary", "stats-summary.1")] {
                let answer = try #require(Self.text(await Self.get(kubelet, path)))
                let captured = try CaptureFile.read("\(Captures.directory)/kubelet/\(file).json.gz")
                #expect(try JSONValue(parsing: Array(answer.body.utf8)) == JSONValue(parsing: captured))
            }
            let probes = try #require(Self.text(await Self.get(kubelet, "/metrics/probes")))
            #expect(probes.body.contains("prober_probe_total"))
        }
    }

    @Test func `times move to now as a whole`() throws {
        let now = Date(timeIntervalSince1970: 1_900_000_000)
        let state = try KubeletState(
            podsFile: "\(Captures.directory)/kubelet/pods.1.json.gz",
            statsFile: "\(Captures.directory)/kubelet/stats-summary.1.json.gz", shiftedTo: now)
        let times = try Self.startTimes(state)
        let captured = try Self.startTimes(try Captures.state(1))
        let shifts = Set(zip(times, captured).map { $0.timeIntervalSince($1) })
        #expect(times.count > 40 && shifts.count == 1)
        #expect(try #require(times.max()) < now && now.timeIntervalSince(try #require(times.min())) < 3600)
    }

    private static func startTimes(_ state: KubeletState) throws -> [Date] {
        try (state.podList["items"]?.elements ?? []).compactMap { pod in
            try pod["status"]?["startTime"]?.text.map { try Date($0, strategy: .iso8601) }
        }
    }

    @Test func `a timeline shows each state from its time on`() async throws {
        var later = try Captures.state(1)
        try later.setReady(pod: "ledger-0", false)
        let second = later
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            kubelet.replay.play([(.zero, try Captures.state(1)), (.milliseconds(300), second)])
            let start = ContinuousClock.now
            var ready: Double? = 1
            while ready == 1 {
                ready = await probe.run(startedAt: Captures.first).value("kube_pod_ready", pod: "ledger-0")
            }
            #expect(ready == 0)
            #expect(ContinuousClock.now - start >= .milliseconds(290))
        }
    }

    @Test func `an edit of what is not there is an error`() throws {
        var state = try Captures.state(1)
        #expect(throws: KubeletReplayError.self) { try state.oomKill(pod: "nobody", container: "x") }
        #expect(throws: KubeletReplayError.self) { try state.oomKill(pod: "ledger-0", container: "nothing") }
        #expect(throws: KubeletReplayError.self) { try state.remove(pod: "nobody") }
        try state.keepOnly(pods: ["ledger-0"])
        #expect(state.podNames == ["ledger-0"])
    }
}

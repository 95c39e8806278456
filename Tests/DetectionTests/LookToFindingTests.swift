import Detection
import Signals
import Telemetry
import Testing

/// From a look to its finding, with the engine and the detectors as the coordinator wires them.
@Suite struct LookToFindingTests {
    private let check = Check(
        name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
        direction: .above, enter: 0.05, leave: 0.025, holdFor: .zero, leaveFor: .seconds(10), window: .seconds(10),
        minimumVolume: 10)

    /// Looks at pods with 20 requests a second, of which 30 % fail from 132 s on; gives what opened and when.
    private func openings(of pods: [(name: String, fails: Bool)], looks: [Double]) -> [(second: Double, Finding)] {
        var engine = SignalEngine(startedAt: at(-10))
        var bank = DetectorBank(checks: [check])
        var opened: [(Double, Finding)] = []
        for second in looks {
            for (index, pod) in pods.enumerated() {
                let time = second + Double(index) * 0.2
                let failed = pod.fails ? (max(0, time - 132) * 6).rounded() : 0
                let labels: LabelSet = [
                    "namespace": "shop", "workload": "Deployment/orders", "pod": pod.name, "node": pod.name,
                ]
                let samples = [("SUCCESS", (time * 20).rounded() - failed), ("SERVER_ERROR", failed)].map {
                    let series = Series("http_server_requests_seconds_count", labels.merging(["outcome": "\($0)"]))
                    return Sample(series, at(time), $1)
                }
                engine.ingest(samples, cluster: "test", agent: pod.name)
                let findings = bank.process(engine.advance(to: at(time + 0.1)))
                opened += findings.filter { $0.phase == .opened }.map { (time + 0.1, $0) }
            }
        }
        return opened
    }

    private func looks(from phase: Double, extra: Double? = nil) -> [Double] {
        (stride(from: phase, to: 170, by: 10) + (extra.map { [$0] } ?? [])).sorted()
    }

    @Test("A finding opens with the look that shows it", arguments: [(4.0, 144.1), (5.0, 135.1), (9.0, 139.1)])
    func withTheLook(phase: Double, second: Double) throws {
        let opened = openings(of: [("a", true)], looks: looks(from: phase))
        #expect(opened.map(\.second) == [second])
        #expect(opened.first?.1.onsetAt == at(second - 0.1))
    }

    @Test("Or with another look soon after one that shows too little", arguments: [(3.0, 136.0), (4.0, 137.0)])
    func withAnother(phase: Double, extra: Double) throws {
        let opened = openings(of: [("a", true)], looks: looks(from: phase, extra: extra))
        #expect(opened.map(\.second) == [extra + 0.1])
        let finding = try #require(opened.first?.1)
        #expect(finding.value == 0.3)
        #expect(finding.volume == 60)
        #expect(finding.onsetAt == at(extra))
        #expect(finding.at == at(extra))
    }

    @Test func oneOfManyPodsOpensNothingByAnotherLook() {
        let pods = (0..<8).map { ("pod-\($0)", $0 == 0) }
        // 30 % of an eighth of the requests are 3.75 % of all.
        #expect(openings(of: pods, looks: looks(from: 4, extra: 137)).isEmpty)
    }
}

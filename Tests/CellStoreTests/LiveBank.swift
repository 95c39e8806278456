import CellCodec
import CellStore
import Detection
import Scenarios
import Signals
import Telemetry

/// A live bank, what it said, and what a writer was given of it.
struct LiveBank {
    private(set) var bank: DetectorBank
    private(set) var findings: [Finding] = []
    private(set) var inputs: [CellWriter.Input] = []

    init(_ bank: DetectorBank, at time: Timestamp) {
        self.bank = bank
        anchor(at: time, .start)
    }

    mutating func anchor(at time: Timestamp, _ reason: StoredRecord.Reason) {
        inputs.append(.anchor(bank, at: time, reason: reason))
    }

    mutating func judge(_ points: [SignalPoint], at now: Timestamp) {
        var tape = CellTape()
        tape.append(points)
        findings += bank.process(points)
        let swept = bank.sweptAt
        findings += bank.advance(to: now)
        if bank.sweptAt != swept { tape.appendSweep(at: now) }
        inputs.append(.tape(tape))
    }

    /// Cells that go missing on the way to the store.
    mutating func judgeUnstored(_ points: [SignalPoint], at now: Timestamp) {
        judge(points, at: now)
        inputs.removeLast()
        inputs.append(.gap(from: now, to: now, cells: points.count, reason: "too many at once"))
    }
}

/// A service that fails for some minutes, another that goes away while it fails, and quiet ones.
enum Afternoon {
    static let start = Timestamp(millis: 1_795_478_400_000)
    static let step = Duration.seconds(10)
    static let cells = 900

    static func time(of cell: Int) -> Timestamp { start + step * cell }

    static func points(of cell: Int, services: Int = 6) -> [SignalPoint] {
        var random = ScenarioRandom(seed: UInt64(cell), name: "afternoon")
        return (0..<services).flatMap { index -> [SignalPoint] in
            if index == 1, cell > 300 { return [] }
            let isFailing = index == 0 && (200..<260).contains(cell) || index == 1 && cell > 240
            let requests = (100 + 100 * random.unit()).rounded()
            let errors = isFailing ? (requests / 3).rounded() : (3 * random.unit()).rounded(.down)
            func point(_ signal: SignalName, _ value: Double, volume: Double = 0) -> SignalPoint {
                var point = SignalPoint(
                    subject: Subject(cluster: "c", kind: .workload, path: "shop/Deployment/service-\(index)"),
                    signal: signal, at: time(of: cell), step: step, value: value, valueIfMissingHealthy: value,
                    volume: volume, coverage: Coverage(present: 2, expected: 2),
                    contributions: (0..<2).map { pod in
                        Contribution(
                            contributor: "service-\(index)-\(pod)", value: value, volume: (volume / 2).rounded())
                    })
                point.knownAt = time(of: cell) - .milliseconds(Int64(random.unit() * 5000))
                return point
            }
            return [
                point(.errorRatio, errors / requests, volume: requests), point(.requestRate, requests / 10),
                point(.latencyMeanSeconds, 0.1 + 0.02 * random.unit(), volume: requests),
                point(.heapLiveRatio, 0.5 + 0.01 * random.unit()), point(.healthUp, 1), point(.restarts, 0),
            ]
        }
    }
}

extension CellReplay {
    /// All findings of the range.
    func all() async throws -> [Finding] {
        var findings: [Finding] = []
        while let part = try await next() { findings += part }
        return findings
    }
}

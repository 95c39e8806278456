package import Foundation

/// Factors by which quiet services differ from minute to minute, taken from recordings.
package struct QuietNoise: Sendable {
    /// Runs of factors about a running median.
    package let requests: [[Double]]
    /// The same of latencies.
    package let latency: [[Double]]
    /// The same of memory.
    package let memory: [[Double]]

    /// Reads the recordings of a folder: `quiet-requests.csv`, `quiet-latency.csv`, `quiet-memory.csv`.
    package init(folder: URL) throws {
        requests = try Self.read(folder, "requests")
        latency = try Self.read(folder, "latency")
        memory = try Self.read(folder, "memory")
    }

    /// The recordings that lie beside the tests.
    package static func recorded() throws -> QuietNoise {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try QuietNoise(folder: tests.appendingPathComponent("Fixtures/detect"))
    }

    private static func read(_ folder: URL, _ name: String) throws -> [[Double]] {
        let text = try String(contentsOf: folder.appendingPathComponent("quiet-\(name).csv"), encoding: .utf8)
        return text.split(separator: "\n").map { line in
            factors(line.split(separator: ",").dropFirst().compactMap { Double($0) })
        }
    }

    /// Each value over the median of the fifteen around it; a factor beyond 3 is an outage that nobody labelled.
    private static func factors(_ values: [Double]) -> [Double] {
        values.indices.map { index in
            let around = values[max(0, index - 7)...min(values.count - 1, index + 7)].sorted()
            let median = around[around.count / 2]
            return min(3, max(1.0 / 3, values[index] / max(median, 1e-9)))
        }
    }
}

/// One factor a minute, drawn in blocks of half an hour to an hour and a half from the recordings (Künsch 1989).
package struct NoiseStream: Sendable {
    private let runs: [[Double]]
    private var random: ScenarioRandom
    private var run = 0
    private var index = 0
    private var left = 0

    /// Makes a stream.
    package init(_ runs: [[Double]], _ random: ScenarioRandom) {
        self.runs = runs
        self.random = random
    }

    /// The next minute's factor.
    package mutating func next() -> Double {
        if left == 0 || index >= runs[run].count {
            run = random.below(runs.count)
            index = random.below(max(1, runs[run].count - 30))
            left = 30 + random.below(60)
        }
        left -= 1
        defer { index += 1 }
        return runs[run][index]
    }
}

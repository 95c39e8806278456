import Foundation

/// The figures of all benchmarks, `{"name": value}`: each adds its own to what others wrote.
package struct BenchResults {
    /// Where the figures are, from the repository's root.
    package static let standardPath = ".build/bench/results.json"

    /// A figure that the design names, and the most that it may be.
    package struct Goal {
        /// Name in the file.
        package var name: String
        /// The most it may be.
        package var limit: Double
    }

    /// The goals of wire and codec.
    package static let wireGoals = [
        Goal(name: "block_bytes_per_sample_steady", limit: 1.15),
        Goal(name: "wire_bytes_per_sample_fleet20", limit: 1.30),
        Goal(name: "wire_bytes_per_sample_recorded", limit: 2.5),
        Goal(name: "encode_cpu_s_per_million", limit: 0.15),
        Goal(name: "decode_cpu_s_per_million", limit: 0.06),
        Goal(name: "ingest_cpu_s_per_million", limit: 0.20),
        Goal(name: "rss_bytes_per_series", limit: 400),
    ]

    /// The goals of the store.
    package static let storeGoals = [
        Goal(name: "store_bytes_per_sample", limit: 1.3),
        Goal(name: "query_p95_ms", limit: 50),
    ]

    private let url: URL
    /// All figures.
    package private(set) var figures: [String: Double]

    /// Reads what is there.
    package init(path: String = standardPath) throws {
        url = URL(filePath: path)
        figures = [:]
        if let data = try? Data(contentsOf: url) {
            figures = try JSONDecoder().decode([String: Double].self, from: data)
        }
    }

    /// Adds figures, prints them, and writes the file.
    package mutating func add(_ new: [String: Double]) throws {
        figures.merge(new) { _, new in new }
        for (name, value) in new.sorted(by: { $0.key < $1.key }) { Self.say("\(name) \(Self.text(value))") }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(figures).write(to: url, options: .atomic)
    }

    /// Prints each goal with its figure and whether it is reached.
    package func printTable(_ goals: [Goal]) {
        Self.say("\nfigure                                 measured      goal")
        for goal in goals {
            let name = goal.name.padding(toLength: 36, withPad: " ", startingAt: 0)
            let limit = Self.text(goal.limit).leftPadded(8)
            guard let value = figures[goal.name] else {
                Self.say("\(name) \("-".leftPadded(10))  \(limit)")
                continue
            }
            Self.say(
                "\(name) \(Self.text(value).leftPadded(10))  \(limit)  \(value <= goal.limit ? "reached" : "MISSED")")
        }
    }

    /// Prints a line.
    package static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    private static func text(_ value: Double) -> String { String(format: "%.4f", value) }
}

extension String {
    fileprivate func leftPadded(_ width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}

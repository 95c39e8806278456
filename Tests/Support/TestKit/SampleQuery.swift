import Foundation

/// `tocsin query -o json`, read back.
package struct SampleQuery {
    private struct Series: Decodable {
        var points: [Point]
    }

    private struct Point: Decodable {
        var at: String
        var value: Double?

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            at = try pair.decode(String.self)
            value = try? pair.decode(Double.self)
        }
    }

    private let lab: TocsinLab

    /// Asks the lab's coordinator.
    package init(lab: TocsinLab) {
        self.lab = lab
    }

    /// Times in seconds since the epoch and values of the series that match, ascending by time.
    package func points(_ selector: String, since: String) async throws -> [(time: Double, value: Double)] {
        let series = try await lab.json([Series].self, ["query", selector, "--since", since])
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return try series.flatMap(\.points).map { point in
            (try Date(point.at, strategy: format).timeIntervalSince1970, point.value ?? .nan)
        }.sorted { $0.0 < $1.0 }
    }

    /// The stretches, in seconds since the epoch, of which the answer says that samples are missing.
    package func gaps(_ selector: String, since: String) async throws -> [ClosedRange<Double>] {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return try await lab.tocsin(["query", selector, "--since", since]).lines.compactMap { line in
            guard let match = line.firstMatch(of: /samples of .* from ([^ ]+Z) to ([^ ]+Z) are missing/),
                let from = try? Date(String(match.1), strategy: format).timeIntervalSince1970,
                let to = try? Date(String(match.2), strategy: format).timeIntervalSince1970
            else { return nil }
            return min(from, to)...max(from, to)
        }
    }
}

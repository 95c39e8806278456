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
}

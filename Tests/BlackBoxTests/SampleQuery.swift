import Foundation
import TocsinTestKit

/// `tocsin query -o json`, read back.
struct SampleQuery {
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

    let lab: TocsinLab

    /// Times in seconds since the epoch and values of the series that match, ascending by time.
    func points(_ selector: String, since: String) async throws -> [(time: Double, value: Double)] {
        let series = try await lab.json([Series].self, ["query", selector, "--since", since])
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return try series.flatMap(\.points).map { point in
            (try Date(point.at, strategy: format).timeIntervalSince1970, point.value ?? .nan)
        }.sorted { $0.0 < $1.0 }
    }
}

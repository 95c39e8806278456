import Foundation
import LabelledSeries
import Telemetry
import Testing

@Suite struct LabelledSeriesTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("labelled-\(UUID())")

    private func write(_ name: String, _ text: String) throws -> URL {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    @Test func tablesHaveClocksSecondsOrRowNumbers() throws {
        let clock = try SeriesTable(
            file: write("a.csv", "timestamp,value\r\n2024-02-29 23:59:59,1.5\r\n2024-03-01 00:00:00,\r\n"))
        #expect(clock.times == [Timestamp(millis: 1_709_251_199_000), Timestamp(millis: 1_709_251_200_000)])
        #expect(clock.columns[0].values[0] == 1.5 && clock.columns[0].values[1].isNaN)
        let seconds = try SeriesTable(file: write("b.csv", "unix_time,x,y\n1692608400,1,2\n"))
        #expect(seconds.times == [Timestamp(millis: 1_692_608_400_000)])
        #expect(seconds.columns.map(\.name) == ["x", "y"])
        let rows = try SeriesTable(file: write("c.csv", "index,m0\n0,1\n1,2\n"))
        #expect(rows.times[1] - rows.times[0] == .seconds(300))
    }

    @Test func brokenTablesSayWhere() throws {
        let file = try write("d.csv", "timestamp,value\n2024-01-01 00:00:00,1\nyesterday,2\n")
        #expect {
            try SeriesTable(file: file)
        } throws: {
            "\($0)".hasSuffix("d.csv:3: a time and 1 values expected")
        }
    }

    /// Recordings of one an hour, with windows of rows.
    private func set(_ rows: Int, _ windows: [[Int]]) throws -> LabelledSet {
        let lines = (0..<rows).map { "\($0),0\n" }.joined()
        _ = try write("set/e.csv", "index,value\n" + lines)
        _ = try write("set/windows.json", "{\"e.csv\": \(windows)}")
        return try LabelledSet(folder: folder.appendingPathComponent("set"))
    }

    @Test(arguments: [
        // Expected from the reference scorer of ../shared/detect, with the same rows.
        ([Int](), 0.0), ([200], 100.0), ([200, 210, 290], 100.0), ([199], -5.5), ([305], -0.83), ([250], 92.99),
        ([500], -5.5),
        ([100, 200], 100.0),
    ])
    func aBenchmarkScoreIsThatOfTheReference(alarms: [Int], expected: Double) throws {
        let set = try set(1000, [[200, 299]])
        let scores = (0..<1000).map { alarms.contains($0) ? 1.0 : 0 }
        #expect(abs(BenchmarkScore(set, [scores], .standard).value - expected) < 0.02)
    }

    @Test func eventsAreCountedOnceWhateverTheirLength() {
        var score = EventScore()
        var alarms = Array(repeating: 0.0, count: 100)
        for row in [3, 12, 14, 42, 60] { alarms[row] = 1 }
        // Found; found two rows after the start of a run of one; missed.
        score.add(alarms, windows: [10...20, 40...40, 80...90])
        #expect(score.windows == 3 && score.found == 2 && score.falseAlarms == 2)
        #expect(score.delays == [2, 2])
        #expect(abs(score.f1 - 2 * (2.0 / 3) * 0.5 / (2.0 / 3 + 0.5)) < 1e-9)
        var late = EventScore()
        late.add(alarms, windows: [10...20], from: 50)
        #expect(late.falseAlarms == 1)
    }

    @Test func scoresAreOneARowAndTellOnceOfManyColumns() throws {
        let lines = (0..<1500).map { row -> String in
            let jump = row == 1200 ? 40 : 0
            return "\(row),\(row % 7 + jump),\(row * row % 11 + jump)\n"
        }
        let table = try SeriesTable(file: write("f.csv", "index,a,b\n" + lines.joined()))
        let scores = SurpriseScores.ofTable(table)
        #expect(scores.count == 1500)
        #expect(scores[1200] >= 1)
        #expect(scores[1201...1212].allSatisfy { $0 == 0 || $0 >= 2 * scores[1200] })
    }
}

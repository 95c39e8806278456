import SampleStore
import Selectors
import Telemetry
import Testing

/// What was taken off an agent's times is kept beside them.
@Suite struct ClockTests {
    private let folder: TemporaryFolder
    private let node = AgentName(cluster: "alpha", node: "a")

    init() throws { folder = try TemporaryFolder() }

    private func frame(_ sequence: UInt64, at seconds: Int64, offset: Int64, isBackfill: Bool = false) throws
        -> IncomingFrame
    {
        var frame = try Fleet.frame(
            Fleet.key("a"), sequence, [Fleet.sample("up", seconds, 1)], receivedAt: seconds - offset)
        frame.clockOffset = .seconds(offset)
        frame.isBackfill = isBackfill
        return frame
    }

    @Test func onlyChangesAreNotedAndTheySurviveTheProcess() async throws {
        var store = try SampleStore(directory: folder.path)
        _ = try await store.append([try frame(1, at: 10, offset: 0), try frame(2, at: 20, offset: 0)])
        #expect(try await store.clockHistories().isEmpty, "a clock that is right needs no row")
        _ = try await store.append([try frame(3, at: 3630, offset: 3600), try frame(4, at: 3640, offset: 3600)])
        store = try SampleStore(directory: folder.path)
        _ = try await store.append([try frame(5, at: 3650, offset: 3600)])
        _ = try await store.append([try frame(6, at: 500, offset: 3600, isBackfill: true)])
        _ = try await store.append([try frame(7, at: 70, offset: 0)])
        let clock = try #require(try await store.clockHistories()[node])
        #expect(
            clock.spans == [
                ClockSpan(from: Fleet.time(3630), to: Fleet.time(3650), offset: .seconds(3600)),
                ClockSpan(from: Fleet.time(70), to: Fleet.time(130), offset: .zero),
            ])
        #expect(clock.offset(at: Fleet.time(20)) == .zero)
        #expect(clock.offset(at: Fleet.time(3640)) == .seconds(3600), "the clock has not come there again")
        #expect(clock.offset(at: Fleet.time(60)) == .zero)
    }

    @Test func aStretchIsWhereTheAgentsTimeIsOurs() {
        let clock = ClockHistory(spans: [
            ClockSpan(from: Fleet.time(1000), to: Fleet.time(2000), offset: .seconds(600)),
            ClockSpan(from: Fleet.time(2001), to: Fleet.time(10_000), offset: .seconds(-60)),
        ])
        func stretches(_ from: Int64, _ to: Int64) -> [ClosedRange<Timestamp>] {
            clock.stretches(from: Fleet.time(from), to: Fleet.time(to))
        }
        #expect(stretches(0, 100) == [Fleet.time(0)...Fleet.time(100)])
        #expect(stretches(500, 700) == [Fleet.time(500)...Fleet.time(700), Fleet.time(1100)...Fleet.time(1300)])
        #expect(stretches(5000, 5100).contains(Fleet.time(4940)...Fleet.time(5100)))
        #expect(clock.offset(at: Fleet.time(1500)) == .seconds(600))
        #expect(clock.offset(at: Fleet.time(9000)) == .seconds(-60))
    }

    @Test func agentsCanBeChosen() async throws {
        let store = try SampleStore(directory: folder.path)
        for node in ["a", "b"] { _ = try await store.append([try Fleet.frame(Fleet.key(node), 1)]) }
        for (choice, nodes) in [
            (SampleQuery.AgentChoice.only([node]), ["a"]), (.except([node]), ["b"]),
        ] {
            var query = SampleQuery(selector: try SeriesSelector("up"), from: Fleet.time(0), to: Fleet.time(100))
            query.agents = choice
            let report = try await store.query(query) { #expect(nodes.contains($0.series.labels["node"] ?? "")) }
            #expect(report.series == 1)
        }
    }

    @Test func spansGoWithTheirSamples() async throws {
        let store = try SampleStore(directory: folder.path)
        _ = try await store.append([try frame(1, at: 3610, offset: 3600), try frame(2, at: 20, offset: 0)])
        _ = try await store.enforceRetention(
            now: Fleet.time(100_000), ageMax: .seconds(3600), bytesMax: .max)
        #expect(try await store.clockHistories()[node]?.spans.map(\.offset) == [.zero])
    }
}

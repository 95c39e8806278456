import SQLiteFile
import Telemetry
import Testing
import TocsinTestKit

@testable import SampleStore

struct StepFunctionTests {
    private let folder: TemporaryFolder
    private let store: SampleStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Fleet.open(folder)
    }

    private func ask(
        _ function: StepFunction, from: Int64, to: Int64, step: Int64
    ) async throws -> [[Double]]? {
        try await store.answer("m", from: from, to: to, step: .seconds(step)) { $0.function = function }.0["alpha/m"]
    }

    private func put(_ points: [(Int64, Double)]) async throws {
        let key = Fleet.key("a")
        _ = try await store.append(
            try points.enumerated().map { place, point in
                try Fleet.frame(key, UInt64(place + 1), [Fleet.sample("m", point.0, point.1)])
            })
    }

    @Test func meanLeastAndGreatestAreOfTheStepThatEnds() async throws {
        try await put([(10, 1), (20, 3), (21, 8), (30, -2), (50, 7), (55, StaleMarker.value), (80, .nan), (85, 1)])
        #expect(try await ask(.mean, from: 20, to: 60, step: 10) == [[20, 3], [30, 3], [50, 7]])
        #expect(try await ask(.min, from: 30, to: 60, step: 20) == [[30, -2], [50, 7]])
        #expect(try await ask(.max, from: 30, to: 60, step: 20) == [[30, 8], [50, 7]])
        let unknown = try #require(try await ask(.max, from: 90, to: 90, step: 20))
        #expect(unknown.count == 1 && unknown[0][1].isNaN)
        #expect(try await ask(.last, from: 60, to: 70, step: 10) == nil)
    }

    @Test func aCounterRisesThroughItsRestarts() async throws {
        // 5 before the range, +3, +4, restart and 2, +6.
        try await put([(5, 100), (10, 105), (20, 108), (30, 112), (40, 2), (50, 8)])
        #expect(
            try await ask(.increase, from: 10, to: 50, step: 10) == [[10, 5], [20, 3], [30, 4], [40, 2], [50, 6]])
        #expect(try await ask(.increase, from: 30, to: 50, step: 20) == [[30, 7], [50, 8]])
        #expect(try await ask(.rate, from: 30, to: 50, step: 20) == [[30, 0.35], [50, 0.4]])
        // The first sample of all rose from nobody knows where.
        #expect(try await ask(.increase, from: 5, to: 20, step: 5) == [[10, 5], [20, 3]])
    }

    @Test func aCounterThatEndedOrWasAwayRisesFromNothing() async throws {
        try await put([(10, 100), (20, StaleMarker.value), (30, 5), (40, 6), (1000, 50), (1010, 51)])
        #expect(try await ask(.increase, from: 10, to: 40, step: 10) == [[40, 1]])
        #expect(try await ask(.increase, from: 40, to: 1040, step: 500) == [[40, 1], [1040, 1]])
    }

    @Test func stepsAddUpToTheWholeWhereverTheyBegin() async throws {
        var random = SeededRandom(seed: 11)
        var (value, rise) = (0.0, 0.0)
        var points: [(Int64, Double)] = []
        for round in Int64(0)..<500 {
            let restarts = Int.random(in: 0..<20, using: &random) == 0
            let delta = Double(Int.random(in: 0...9, using: &random))
            // A restart that is hidden by a greater value cannot be seen by anybody.
            if restarts, delta < value { value = delta } else { value += delta }
            if round > 0 { rise += delta }
            points.append((round * 10 + Int64.random(in: 0..<5, using: &random), value))
        }
        try await put(points)
        _ = try await store.compact(now: Fleet.time(100_000), policy: .immediate)
        for step in [1, 7, 10, 33, 1000] as [Int64] {
            let steps = try #require(try await ask(.increase, from: 0, to: 5000 + step, step: step))
            #expect(steps.reduce(0) { $0 + $1[1] } == rise)
        }
    }

    @Test func aFunctionNeedsAStep() async throws {
        await #expect(throws: StoreError(.invalid, "")) {
            try await store.answer("m", from: 0, to: 9) { $0.function = .rate }
        }
    }
}

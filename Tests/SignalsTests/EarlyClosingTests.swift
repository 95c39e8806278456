import Signals
import Telemetry
import Testing
import TocsinTestKit

/// Cells that close before their end, since all that is waited for has come.
@Suite struct EarlyClosingTests {
    private func ready(_ engine: inout SignalEngine, _ pod: String, _ seconds: Double, _ value: Double = 1) {
        engine.feed("kube_pod_ready", podLabels(pod), seconds, value)
    }

    /// A container's looks: by the pods' target, and by the one that tells the memory.
    private func restarts(_ engine: inout SignalEngine, _ seconds: Double) {
        engine.feed("kube_pod_container_restarts_total", podLabels("a").merging(["container": "app"]), seconds, 0)
    }

    private func memory(_ engine: inout SignalEngine, _ seconds: Double, _ value: Double = 50) {
        let labels = podLabels("a").merging(["container": "app"])
        engine.feed("container_memory_working_set_bytes", labels, seconds, value)
        engine.feed("container_spec_memory_limit_bytes", labels, seconds, 100)
    }

    @Test func aCellClosesWithTheSampleThatCompletesIt() {
        var engine = SignalEngine()
        ready(&engine, "a", 2)
        ready(&engine, "b", 7)
        #expect(engine.advance(to: at(10)).count == 1)
        ready(&engine, "a", 12)
        #expect(engine.advance(to: at(12.1)).isEmpty)
        ready(&engine, "b", 17, 0)
        let points = engine.advance(to: at(17.1))
        #expect(points.map(\.at) == [at(20)], "the place on the grid")
        #expect(points.map(\.knownAt) == [at(17)], "what people are told")
        #expect(points.map(\.value) == [0.5])
        #expect(points.map(\.coverage) == [Coverage(present: 2, expected: 2)])
        #expect(engine.advance(to: at(20)).isEmpty, "and not again at its end")
    }

    @Test func aCellThatClosesByTheClockIsKnownAtItsEnd() {
        var engine = SignalEngine()
        ready(&engine, "a", 2)
        #expect(engine.advance(to: at(10)).map(\.knownAt) == [at(10)])
    }

    @Test func theFirstRoundOfAContributorIsNeverTakenForComplete() {
        var engine = SignalEngine()
        ready(&engine, "a", 2)
        #expect(engine.advance(to: at(9.9)).isEmpty)
        _ = engine.advance(to: at(10))
        ready(&engine, "b", 11, 0)
        ready(&engine, "a", 12)
        #expect(engine.advance(to: at(19.9)).isEmpty, "b may have more to say")
        #expect(engine.advance(to: at(20)).map(\.value) == [0.5])
        ready(&engine, "b", 21, 0)
        ready(&engine, "a", 22)
        #expect(engine.advance(to: at(22)).map(\.value) == [0.5])
    }

    @Test func fiftyPodsOnFiftyNodesWithADeadAgent() {
        var engine = SignalEngine()
        var waits: [Double] = []
        var coverages: [Coverage] = []
        for cell in 0..<12 {
            let start = Double(cell) * 10
            for pod in 0..<50 where pod != 17 || cell < 3 {
                let time = start + Double(pod) * 0.16
                engine.feed("kube_pod_ready", podLabels("p\(pod)", node: "n\(pod)"), time, 1, agent: "n\(pod)")
                for point in engine.advance(to: at(time + 0.1)) {
                    waits.append(((time + 0.1 - (point.at - origin).inSeconds + 10) * 10).rounded() / 10)
                    coverages.append(point.coverage)
                }
            }
        }
        // The first cell by the clock, two early; five held for a step since one is missing; then what waited.
        #expect(waits == [10.1, 7.9, 7.9, 20.1, 20.1, 20.1, 20.1, 20.1, 10.1, 7.9, 7.9, 7.9], "\(waits)")
        #expect(coverages.map(\.expected) == [50, 50, 50, 50, 50, 50, 50, 50, 49, 49, 49, 49], "\(coverages)")
        #expect(coverages.map(\.present) == [50, 50, 50, 49, 49, 49, 49, 49, 49, 49, 49, 49])
    }

    @Test func aContributorOfTwoTargetsIsCompleteWithTheSecond() {
        var engine = SignalEngine()
        var points: [SignalPoint] = []
        for cell in [0.0, 10, 20, 30] {
            restarts(&engine, cell + 2)
            points += engine.advance(to: at(cell + 2.1))
            memory(&engine, cell + 7, 50 + cell)
            points += engine.advance(to: at(cell + 7.1))
        }
        let memories = points.filter { $0.signal == .workingSetRatio }
        #expect(memories.map(\.knownAt) == [at(10), at(17), at(27), at(37)])
        #expect(memories.map(\.value) == [0.5, 0.6, 0.7, 0.8])
    }

    @Test func aSecondTargetThatMissedARoundIsNeitherWaitedForNorMissingForLong() {
        var engine = SignalEngine()
        var points: [SignalPoint] = []
        for cell in stride(from: 0.0, to: 80, by: 10) {
            restarts(&engine, cell + 2)
            points += engine.advance(to: at(cell + 2.1))
            if cell != 30 { memory(&engine, cell + 4, 50 + cell / 10) }
            points += engine.advance(to: at(cell + 4.1))
        }
        points += engine.advance(to: at(90))
        let memories = points.filter { $0.signal == .workingSetRatio }
        // Missed at 34, passed over at 44 and late there: stands for the next cell; on time again from 64 on.
        #expect(memories.map(\.value) == [0.5, 0.51, 0.52, nil, nil, 0.54, 0.56, 0.57], "\(memories.map(\.value))")
        #expect(memories.suffix(2).map(\.knownAt) == [at(64), at(74)])
        #expect(engine.statistics.late == 0, "what comes before the end of its cell is not late")
    }

    @Test func aSlowSeriesIsNotWaitedFor() {
        var engine = SignalEngine()
        var known: [Double] = []
        for cell in stride(from: 0.0, to: 240, by: 10) {
            ready(&engine, "a", cell + 3)
            // Of the same contributor, once a minute.
            if cell.truncatingRemainder(dividingBy: 60) == 0 {
                engine.feed("kube_pod_ready", podLabels("a").merging(["probe": "slow"]), cell + 8, 1)
            }
            for time in [3.1, 8.1, 10] {
                known += engine.points(.readyRatio, until: cell + time).map { ($0.knownAt - origin).inSeconds }
            }
        }
        // By the clock in the first cell, and in the next, for which the slow one was new.
        #expect(known == [10, 20] + stride(from: 23.0, to: 240, by: 10), "\(known)")
    }

    @Test func aContributorThatIsSlowAltogetherIsTakenAsItComes() {
        var engine = SignalEngine()
        var known: [Double] = []
        for second in stride(from: 0.0, to: 200, by: 1) {
            if second.truncatingRemainder(dividingBy: 60) == 4 { ready(&engine, "a", second) }
            known += engine.advance(to: at(second + 0.1)).filter { $0.value != nil }.map {
                ($0.knownAt - origin).inSeconds
            }
        }
        #expect(known == [10, 64, 124, 184])
    }

    @Test func aSeriesThatIsNewInALookCountsWithIt() {
        var engine = SignalEngine()
        for cell in [0.0, 10, 20] {
            engine.feedRequests("a", cell + 3, ok: cell * 10)
            _ = engine.advance(to: at(cell + 3.1))
        }
        // Behind all others: the first errors that the pod ever had.
        engine.feedRequests("a", 33, ok: 270, failed: 30)
        let points = engine.points(.errorRatio, until: 33.1)
        #expect(points.map(\.value) == [0.3])
    }

    @Test func aDatabaseThatIsDownHasNothingMoreToSay() {
        var engine = SignalEngine()
        let labels: LabelSet = ["instance": "orders-db"]
        for cell in [0.0, 10, 20] {
            engine.feed("pg_up", labels, cell + 6, 1)
            engine.feed("pg_longest_query_seconds", labels, cell + 6, 1)
            _ = engine.advance(to: at(cell + 6.1))
        }
        engine.feed("pg_up", labels, 36, 0)
        let points = engine.advance(to: at(36.1))
        #expect(points.filter { $0.signal == .databaseUp }.map(\.value) == [0])
        engine.feed("pg_up", labels, 46, 1)
        engine.feed("pg_longest_query_seconds", labels, 46, 5)
        let back = engine.advance(to: at(46.1))
        #expect(back.filter { $0.signal == .longestQuerySeconds }.map(\.value) == [5])
    }

    @Test func seriesThatEndAreNotWaitedFor() {
        var engine = SignalEngine()
        let other = podLabels("a").merging(["probe": "b"])
        for cell in [0.0, 10] {
            ready(&engine, "a", cell + 2)
            engine.feed("kube_pod_ready", other, cell + 6, 1)
        }
        _ = engine.advance(to: at(20))
        ready(&engine, "a", 22)
        #expect(engine.advance(to: at(22.1)).isEmpty)
        engine.feed("kube_pod_ready", other, 25, StaleMarker.value)
        #expect(engine.advance(to: at(25)).map(\.knownAt) == [at(25)])
        ready(&engine, "a", 32)
        #expect(engine.advance(to: at(32)).map(\.knownAt) == [at(32)])
    }

    @Test func twoLooksInACellLoseNothing() {
        var engine = SignalEngine()
        var requests = 0.0
        var volumes: [Double] = []
        for half in 0..<40 {
            let time = Double(half) * 5 + 2
            requests += 50
            engine.feedRequests("a", time, ok: requests)
            volumes += engine.points(.errorRatio, until: time + 0.1).map(\.volume)
        }
        volumes += engine.points(.errorRatio, until: 230).map(\.volume)
        #expect(volumes.reduce(0, +) == 50 * 39)
        #expect(Set(volumes[2..<20]) == [100], "\(volumes)")
    }

    @Test func anAgentThatIsAheadClosesNoCellBeforeItBegins() {
        var engine = SignalEngine()
        for cell in 0..<8 {
            let time = Double(cell) * 10
            _ = engine.advance(to: at(time))
            ready(&engine, "a", time + 32)
            for point in engine.advance(to: at(time + 1)) + engine.advance(to: at(time + 9)) {
                #expect(point.at <= at(time + 10), "a cell that has begun at the most")
                #expect(point.knownAt <= point.at, "and nothing is told of what comes behind it")
            }
        }
    }

    /// The estimate of an agent's clock may be some milliseconds off; a replay has no such moment.
    @Test func whatIsKnownIsToldByTheAgentsTimeAndNotByOurs() {
        var engine = SignalEngine()
        ready(&engine, "a", 4.4)
        _ = engine.advance(to: at(10))
        for cell in [10.0, 20] {
            ready(&engine, "a", cell + 4.4)
            #expect(engine.advance(to: at(cell + 4)).map(\.knownAt) == [at(cell + 4.4)])
        }
    }

    /// How often, and so when, `advance` is called must not matter: a replay calls it more seldom than a live run.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func theSameSamplesGiveTheSamePoints(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let phases = (0..<6).map { _ in Double(Int.random(in: 0..<90, using: &random)) / 10 }
        let silent = (0..<6).map { _ in Int.random(in: 5..<40, using: &random) }
        func run(every pause: Double) -> [SignalPoint] {
            var engine = SignalEngine()
            var points: [SignalPoint] = []
            var looks: [(time: Double, pod: Int, cell: Int)] = []
            for cell in 0..<40 {
                for pod in 0..<6 where cell != silent[pod] && cell >= pod * 2 {
                    looks.append((Double(cell) * 10 + phases[pod], pod, cell))
                }
            }
            looks.sort { ($0.time, $0.pod) < ($1.time, $1.pod) }
            var next = 0.0
            for look in looks {
                while next <= look.time {
                    points += engine.advance(to: at(next))
                    next += pause
                }
                let count = Double(look.cell * (7 + look.pod))
                let pod = "pod-\(look.pod)"
                engine.feedRequests(pod, look.time, ok: count, failed: look.cell > 20 ? count / 9 : nil, agent: pod)
            }
            return points + engine.advance(to: at(500))
        }
        let often = run(every: 0.1)
        #expect(often.count > 100)
        #expect(often == run(every: 1))
        #expect(often == run(every: 2.5))
    }
}

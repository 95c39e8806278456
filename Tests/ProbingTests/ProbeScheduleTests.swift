import Probing
import Telemetry
import Testing

struct ProbeScheduleTests {
    private let origin = Timestamp(millis: 1_795_557_404_880)

    @Test func offsetsAreStableAndSpread() {
        #expect(ProbeSchedule.offset(of: "actuator/a", interval: .seconds(10)) == .milliseconds(3963))
        let ids = (0..<1000).map { "actuator/pod-\($0)" }
        let offsets = ids.map { ProbeSchedule.offset(of: $0, interval: .seconds(10)) }
        #expect(offsets == ids.map { ProbeSchedule.offset(of: $0, interval: .seconds(10)) })
        #expect(offsets.allSatisfy { $0 >= .zero && $0 < .seconds(10) })
        var perSecond = [Int](repeating: 0, count: 10)
        for offset in offsets { perSecond[Int(offset / .seconds(1))] += 1 }
        #expect(perSecond.allSatisfy { (60...140).contains($0) }, "\(perSecond)")
    }

    @Test func theGridDoesNotDriftAndSurvivesARestart() throws {
        var schedule = ProbeSchedule(origin: origin)
        schedule.set("a", interval: .seconds(10), now: .zero)
        let first = try #require(schedule.nextPoint)
        #expect(first >= .zero && first < .seconds(10))
        var points: [Duration] = []
        for round in 0..<100 {
            // Late by up to 9 s each time: the grid stays.
            let now = first + .seconds(10) * round + .milliseconds(round * 90)
            points += schedule.takeDue(now: now).map(\.at)
            schedule.finished("a")
        }
        #expect(points == (0..<100).map { first + .seconds(10) * $0 })
        #expect(schedule.skippedCount == 0)

        var later = ProbeSchedule(origin: origin + .milliseconds(123_456))
        later.set("a", interval: .seconds(10), now: .zero)
        let restarted = try #require(later.nextPoint)
        let phase = (origin + first).millis % 10_000
        #expect((origin + .milliseconds(123_456) + restarted).millis % 10_000 == phase)
        #expect(phase == ProbeSchedule.offset(of: "a", interval: .seconds(10)).wholeMilliseconds)
    }

    @Test func aTargetNeverOverlapsItself() throws {
        var schedule = ProbeSchedule(origin: origin)
        schedule.set("a", interval: .seconds(10), now: .zero)
        let first = try #require(schedule.nextPoint)
        let started = schedule.takeDue(now: first)
        #expect(started.map(\.id) == ["a"])
        let overlapping = schedule.takeDue(now: first + .seconds(10))
        #expect(overlapping.isEmpty)
        #expect(schedule.skippedCount == 1)
        schedule.finished("a")
        let early = schedule.takeDue(now: first + .seconds(19))
        #expect(early.isEmpty)
        let again = schedule.takeDue(now: first + .seconds(20))
        #expect(again.map(\.at) == [first + .seconds(20)])
    }

    @Test func aSleepingMachineRunsOnceAndCountsTheRest() throws {
        var schedule = ProbeSchedule(origin: origin)
        schedule.set("a", interval: .seconds(10), now: .zero)
        let first = try #require(schedule.nextPoint)
        let due = schedule.takeDue(now: first + .seconds(35))
        #expect(due == [ProbeSchedule.Due(id: "a", at: first + .seconds(30))])
        #expect(schedule.skippedCount == 3)
        #expect(schedule.nextPoint == first + .seconds(40))
    }

    @Test func targetsComeAndGo() {
        var schedule = ProbeSchedule(origin: origin)
        #expect(schedule.nextPoint == nil)
        for id in ["a", "b", "c"] { schedule.set(id, interval: .seconds(10), now: .seconds(3)) }
        schedule.remove("b")
        schedule.finished("b")
        let due = schedule.takeDue(now: .seconds(13))
        #expect(Set(due.map(\.id)) == ["a", "c"])
        #expect(due.allSatisfy { $0.at >= .seconds(3) })
        schedule.set("a", interval: .seconds(5), now: .seconds(13))
        schedule.set("c", interval: .seconds(10), now: .seconds(13))
        let overlapping = schedule.takeDue(now: .seconds(18))
        #expect(overlapping.isEmpty, "both still run")
    }

    @Test func pointsAreNeverBeforeNow() throws {
        for millis in stride(from: Int64(-25_000), through: 25_000, by: 777) {
            var schedule = ProbeSchedule(origin: Timestamp(millis: millis))
            schedule.set("a", interval: .milliseconds(1500), now: .microseconds(1_234_567))
            let point = try #require(schedule.nextPoint)
            #expect(point >= .microseconds(1_234_567) && point <= .microseconds(1_234_567 + 1_501_000))
        }
    }

    @Test func anotherLookIsTakenBetweenTwoGridPointsAndMovesNone() throws {
        var schedule = ProbeSchedule(origin: origin)
        schedule.set("a", interval: .seconds(10), now: .zero)
        let first = try #require(schedule.nextPoint)
        _ = schedule.takeDue(now: first)
        schedule.finished("a")
        let isRoom = schedule.lookAgain("a", now: first + .milliseconds(200))
        #expect(isRoom)
        let again = first + .milliseconds(3200)
        #expect(schedule.nextPoint == again)
        let early = schedule.takeDue(now: again - .milliseconds(1))
        #expect(early.isEmpty)
        let extra = schedule.takeDue(now: again)
        #expect(extra == [ProbeSchedule.Due(id: "a", at: again)])
        schedule.finished("a")
        #expect(schedule.nextPoint == first + .seconds(10))
        let regular = schedule.takeDue(now: first + .seconds(10))
        #expect(regular.map(\.at) == [first + .seconds(10)])
        #expect(schedule.skippedCount == 0)
    }

    @Test func anotherLookNeedsRoomAndNeverOverlaps() throws {
        var schedule = ProbeSchedule(origin: origin)
        schedule.set("a", interval: .seconds(10), now: .zero)
        schedule.set("fast", interval: .seconds(2), now: .zero)
        let started = schedule.takeDue(now: .seconds(10))
        let first = try #require(started.first { $0.id == "a" }).at
        var answers: [Bool] = []
        for (id, now) in [("fast", .zero), ("unknown", .zero), ("a", first + .seconds(5))] as [(String, Duration)] {
            answers.append(schedule.lookAgain(id, now: now))
        }
        #expect(answers == [false, false, false], "the next grid point is near")
        let isRoom = schedule.lookAgain("a", now: first + .seconds(1))
        #expect(isRoom)
        let overlapping = schedule.takeDue(now: first + .seconds(4)).filter { $0.id == "a" }
        #expect(overlapping.isEmpty, "the look before is under way")
        schedule.finished("a")
        let later = schedule.takeDue(now: first + .seconds(6)).filter { $0.id == "a" }
        #expect(later.isEmpty, "and it is not made up for")
    }
}

import Foundation
import Probing
import Telemetry
import Testing

@Suite struct LoginTallyTests {
    private let labels: LabelSet = ["instance": "orders"]

    private func record(_ key: Int, at time: Double, ok: Bool = false) -> LoginRecord {
        LoginRecord(key: "\(key)", at: time, account: "a\(key % 3)", address: "10.0.0.1", isSuccess: ok)
    }

    @Test func overlappingLooksCountEachLoginOnce() {
        var tally = LoginTally(startingAt: 1000)
        #expect(tally.take([record(0, at: 999)], labels: labels).isEmpty, "history")
        let log = (1...200).map { record($0, at: 1000 + Double($0)) }
        var count = 0
        for end in stride(from: 10, through: 200, by: 10) {
            let since = tally.since
            count += tally.take(log.prefix(end).filter { $0.at >= since }, labels: labels).reduce(0) { $0 + $1.count }
        }
        #expect(count == 200 && tally.failures == 200)
    }

    @Test func oneThatIsWrittenLateCounts() {
        var tally = LoginTally(startingAt: 0)
        _ = tally.take([record(1, at: 100)], labels: labels)
        #expect(tally.take([record(2, at: 75), record(1, at: 100)], labels: labels).map(\.count) == [1])
        #expect(tally.take([record(3, at: 60), record(1, at: 100)], labels: labels).isEmpty, "too late")
    }

    @Test func aMarkGoesOnInAnotherTally() throws {
        var tally = LoginTally(startingAt: 0)
        _ = tally.take((1...5).map { record($0, at: 100 + Double($0)) }, labels: labels)
        let data = try JSONEncoder().encode(tally.mark)
        var next = LoginTally(from: try JSONDecoder().decode(LoginTally.Mark.self, from: data))
        #expect(next.since == tally.since)
        #expect(next.take((1...6).map { record($0, at: 100 + Double($0)) }, labels: labels).map(\.count) == [1])
        #expect(next.failures == 1)
    }

    @Test func aFullPageMovesOn() {
        var tally = LoginTally(startingAt: 0)
        _ = tally.take((1...3).map { record($0, at: 7) }, labels: labels, isFull: true)
        #expect(tally.since == 7)
        _ = tally.take((1...3).map { record($0, at: 7) }, labels: labels, isFull: true)
        #expect(tally.since > 7, "a page of one moment is not asked for for ever")
    }
}

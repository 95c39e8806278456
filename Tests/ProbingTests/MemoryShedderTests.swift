import Probing
import Telemetry
import Testing

struct MemoryShedderTests {
    private static let over: UInt64 = 101
    private static let fine: UInt64 = 50

    @Test func oneLookOverTheLimitShedsNothing() {
        var shedder = MemoryShedder(bytesMax: 100)
        let changes = [Self.over, Self.fine, Self.over].map { shedder.look(residentBytes: $0) }
        #expect(changes == [false, false, false])
        #expect(shedder.shed.isEmpty)
    }

    @Test func levelsComeInTheDocumentedOrderAndStopAtTheLast() {
        var shedder = MemoryShedder(bytesMax: 100)
        var shed: [Set<Target.Kind>] = []
        for _ in 0..<20 where shedder.look(residentBytes: Self.over) { shed.append(shedder.shed) }
        #expect(
            shed == [
                [.prometheus], [.prometheus, .logs], [.prometheus, .logs, .http, .tcp],
                [.prometheus, .logs, .http, .tcp, .actuator],
            ])
        #expect(shed.last?.isDisjoint(with: [.pods, .postgresql, .host, .agent]) == true)
    }

    @Test func whatWasShedComesBackOneByOneAfterCalm() {
        var shedder = MemoryShedder(bytesMax: 100)
        for _ in 0..<4 { _ = shedder.look(residentBytes: Self.over) }
        #expect(shedder.level == 2)
        // Just below the limit is not calm: what comes back would bring it over again.
        for _ in 0..<20 { _ = shedder.look(residentBytes: 90) }
        #expect(shedder.level == 2)
        var levels: [Int] = []
        for _ in 0..<12 where shedder.look(residentBytes: Self.fine) { levels.append(shedder.level) }
        #expect(levels == [1, 0])
    }
}

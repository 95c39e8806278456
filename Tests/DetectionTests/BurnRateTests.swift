import Detection
import Signals
import Telemetry
import Testing

@Suite struct BurnRateTests {
    private let check = Check(
        name: "budget-fast", group: "error-rate", family: .errorRate, title: "Error budget burns", signal: .errorRatio,
        direction: .above, enter: 14.4, leave: 14.4, holdFor: .zero, leaveFor: .seconds(60), minimumVolume: 100,
        measure: .burnRate(BurnRate(objective: 0.99, long: .seconds(3600), short: .seconds(300))))

    @Test func bothWindowsMustBurn() throws {
        var detector = ThresholdDetector(subject: orders, check: check)
        #expect(detector.run(Array(repeating: 0, count: 360), volume: 100).isEmpty)
        // 50 % errors: the short window burns at once, the long one reaches 14.4 % after 0.288 h.
        let findings = detector.run(Array(repeating: 0.5, count: 180), from: 3610, volume: 100)
        let opened = try #require(findings.first)
        #expect(abs((opened.at - at(3600)).inSeconds - 0.288 * 3600) <= 160)
        #expect(opened.explanation.hasPrefix("The error budget of 99 % burns at 14."))
        #expect(opened.explanation.contains("over 1h and 50× over 5m, limit 14.4×, since"))
        #expect(opened.affected == 1 && !opened.isAdaptive)
        let after = detector.run(Array(repeating: 0, count: 60), from: 5410, volume: 100)
        #expect(after.last?.phase == .closed)
        #expect((after.last?.at ?? at(0)) < at(5410 + 400), "the short window ends it")
    }

    @Test func aShortBurstBurnsNoBudget() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = detector.run(Array(repeating: 0, count: 360), volume: 100)
        #expect(detector.run(Array(repeating: 1, count: 30), from: 3610, volume: 100).isEmpty)
    }

    @Test func fewRequestsOpenNothing() {
        var detector = ThresholdDetector(subject: orders, check: check)
        #expect(detector.run(Array(repeating: 1, count: 30), volume: 1).isEmpty)
    }

    @Test func theStateIsSmall() {
        #expect(check.valueSignal == .burnRate)
        #expect(check.measure.evidence == .zero)
    }
}

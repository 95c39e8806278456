import Detection
import Signals
import Telemetry
import Testing

@testable import Incidents

struct SeverityTableTests {
    @Test func firstMatchingRowWins() {
        let level = { (value: Double, affected: Int) in
            Example.table.assess(Example.finding(at: 10, value: value, affected: affected)).severity
        }
        #expect(level(0.5, 1) == .p1)
        #expect(level(0.49, 2) == .p2)
        #expect(level(0.49, 1) == .p3)
        #expect(level(0.06, 3) == .p3)
    }

    @Test func valueIsComparedInTheBadDirection() {
        let level = { (value: Double, seconds: Int64) in
            Example.table.assess(Example.finding(Example.ready, at: seconds, value: value)).severity
        }
        #expect(level(0, 1) == .p1)
        #expect(level(0.33, 300) == .p2)
        #expect(level(0.33, 299) == .p4)
    }

    @Test func unknownCheckIsJudgedByItsOwnSide() {
        let rules = [SeverityRule(check: "gone", value: 0.2, severity: .p1, because: "deep", origin: "t:1")]
        let table = SeverityTable(rules: rules, checks: [])
        let below = Example.check("gone", group: "g", signal: .readyRatio, direction: .below, enter: 0.5)
        #expect(table.assess(Example.finding(below, at: 1, value: 0.1)).severity == .p1)
        #expect(table.assess(Example.finding(below, at: 1, value: 0.3)).severity == .p3)
    }

    @Test func scopeNeedsAKnownTotal() {
        let rules = [SeverityRule(check: "*", scopeAtLeast: 0.1, severity: .p1, because: "wide", origin: "t:1")]
        let table = SeverityTable(rules: rules, checks: [])
        #expect(table.assess(Example.finding(at: 1, affected: 0, total: 0)).severity == .p3)
    }

    @Test func sentenceHasRuleNumbersAndWhatWouldBeWorse() {
        let finding = Example.finding(at: 130, value: 0.124)
        #expect(
            Example.table.assess(finding).sentence
                == "P2 because many requests fail on most pods (t.yaml:40): error ratio 12.4 %, 2 of 3 pods, for 2m10s; "
                + "would be P1 if at least 50 %")
        let narrow = Example.finding(at: 45, value: 0.06, affected: 1)
        #expect(
            Example.table.assess(narrow).sentence
                == "P3 because some requests fail (t.yaml:41): error ratio 6 %, 1 of 3 pods, for 45s; "
                + "would be P2 if at least 10 % and at least 50 % of pods are affected, P1 if at least 50 %")
    }

    @Test func levelAloneIsThatOfTheAssessment() {
        for value in [0.01, 0.06, 0.2, 0.7] {
            for affected in 0...3 {
                for (check, seconds) in [(Example.errorRatio, Int64(9)), (Example.ready, 400), (Example.query, 9)] {
                    let finding = Example.finding(check, at: seconds, value: value, affected: affected)
                    #expect(Example.table.level(of: finding) == Example.table.assess(finding).severity)
                }
            }
        }
    }

    @Test func durationTellsTheLevelBefore() throws {
        let finding = Example.finding(Example.ready, at: 400, onset: 20, value: 0.33)
        let assessment = Example.table.assess(finding)
        #expect(assessment.severity == .p2)
        let until = try #require(assessment.reasoning?.until)
        #expect(until.severity == .p4)
        #expect(until.at == Example.time(320))
        #expect(assessment.sentence.hasSuffix("; would have been P4 until it had lasted 5m"))
    }

    @Test func reasoningHasThePathAndNumbersThatCanBeLookedUp() throws {
        let contribution = Contribution(contributor: "cart-1", value: 0.2, volume: 100)
        let finding = Example.finding(at: 45, value: 0.06, affected: 1, contributors: [contribution])
        let reasoning = try #require(Example.table.assess(finding).reasoning)
        #expect(reasoning.steps.map(\.origin) == ["t.yaml:39", "t.yaml:40", "t.yaml:41"])
        #expect(reasoning.steps.map(\.unmet.count) == [1, 2, 0])
        let value = try #require(reasoning.figures.first)
        #expect(value.name == "error ratio" && value.text == "6 %")
        #expect(
            value.source
                == SampleReference(
                    selector: #"http_server_requests_seconds_count{namespace="shop",workload="Deployment/cart"}"#,
                    at: Example.time(45)))
        let pod = try #require(reasoning.figures.last)
        #expect(pod.name == "cart-1" && pod.text == "20 %")
        #expect(pod.source?.selector.hasSuffix(#",pod="cart-1"}"#) == true)
    }

    @Test func familyVolumeAndDependentsAreConditions() {
        var wide = SeverityRule(check: "*", severity: .p1, because: "many stand on it", origin: "t:1")
        wide.dependentsAtLeast = 3
        var busy = SeverityRule(check: "*", severity: .p2, because: "many notice", origin: "t:2")
        busy.volumeAtLeast = 5000
        var other = SeverityRule(check: "*", severity: .p2, because: "of another family", origin: "t:3")
        other.family = .database
        let table = SeverityTable(rules: [wide, busy, other], checks: [Example.errorRatio])
        let finding = Example.finding(at: 1)
        #expect(table.assess(finding, dependents: 3).severity == .p1)
        let assessment = table.assess(finding, dependents: 2)
        #expect(assessment.severity == .p3)
        #expect(
            assessment.sentence.hasSuffix(
                "2 workloads depend on it, for 1s; would be P2 if the volume is at least 5000, "
                    + "P1 if at least 3 workloads depend on it"))
        #expect(assessment.reasoning?.steps.map(\.origin) == ["t:1", "t:2"])
    }

    @Test func aLearnedLevelAloneIsNeverAboveP3() {
        var finding = Example.finding(at: 1, value: 0.9)
        finding.isAdaptive = true
        let assessment = Example.table.assess(finding)
        #expect(assessment.severity == .p3)
        #expect(Example.table.level(of: finding) == .p3)
        #expect(assessment.sentence.hasSuffix("; not P1, since what is usual was learned, not configured"))
        #expect(assessment.reasoning?.wouldBe.isEmpty == true)
    }

    @Test func sentenceOfTheDefaultSaysSo() {
        let instance = Subject(cluster: "alpha", kind: .postgresql, path: "postgresql/orders")
        let finding = Example.finding(Example.query, at: 3700, value: 412.25, affected: 1, total: 1, subject: instance)
        let assessment = Example.table.assess(finding)
        #expect(assessment.origin == "default")
        #expect(
            assessment.sentence
                == "P4 because no rule of the severity table matches (default): longest query 412.3 s, for 1h01m")
    }

    @Test func ruleBelowTheOneThatMatchedIsNotPromised() {
        let rules = [
            SeverityRule(check: "error-rate", severity: .p3, because: "always", origin: "t:1"),
            SeverityRule(check: "error-rate", value: 0.9, severity: .p1, because: "never reached", origin: "t:2"),
        ]
        let table = SeverityTable(rules: rules, checks: [Example.errorRatio])
        #expect(!table.assess(Example.finding(at: 1)).sentence.contains("would be"))
    }

    @Test(arguments: [
        ("*", "", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("?b", "ab", true), ("?", "", false),
        ("a*b*c", "aXbXbXc", true), ("error-*", "error-rate", true), ("", "a", false), ("**", "xyz", true),
    ])
    func glob(pattern: String, text: String, expected: Bool) {
        #expect(Glob.matches(pattern, text) == expected)
    }

    @Test(arguments: [
        (0.0, "0"), (0.05, "0.05"), (0.0004, "0"), (12.44, "12.4"), (-3.5, "-3.5"), (1e20, "1e+20"), (99.96, "100"),
        (.infinity, "inf"), (-Double.infinity, "-inf"), (.nan, "NaN"), (0.1, "0.1"), (1234567, "1234567"),
    ])
    func numbers(value: Double, text: String) {
        #expect(PlainText.number(value) == text)
    }

    @Test(arguments: [
        (-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (130, "2m10s"), (3900, "1h05m"), (273_600, "3d4h"),
    ])
    func durations(seconds: Int, text: String) {
        #expect(PlainText.duration(.seconds(seconds)) == text)
    }
}

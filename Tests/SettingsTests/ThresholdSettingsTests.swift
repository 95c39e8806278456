import ConfigurationKit
import CoordinatorSettings
import Detection
import Incidents
import Signals
import Telemetry
import Testing

@Suite struct ThresholdSettingsTests {
    private let settings: ThresholdSettings

    init() throws {
        settings = try ThresholdSettings.decode(
            GoldenFiles.source("thresholds/small.yaml"), step: .seconds(10), environment: [:]
        ).value
    }

    private func workload(_ path: String) -> Subject { Subject(cluster: "production", kind: .workload, path: path) }

    private func check(_ name: String, for path: String) -> Check? {
        settings.checks(for: workload(path)).first { $0.name == name }
    }

    @Test func aCheckArrivesWhole() {
        #expect(
            settings.checks.first?.check
                == Check(
                    name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate",
                    signal: .errorRatio, direction: .above, enter: 0.05, leave: 0.025, holdFor: .seconds(120),
                    leaveFor: .seconds(600), window: .seconds(300), minimumVolume: 50))
        #expect(settings.checks.map(\.check.name) == ["error-rate", "latency", "ready", "health"])
        #expect(settings.checks[1].check.enter == 1)
        #expect(settings.checks[1].check.leave == 1, "without 'leave' the level itself")
        #expect(settings.checks[2].check.direction == .below)
        #expect(settings.checks[2].check.group == "availability")
    }

    @Test func severitiesKeepTheirOrderAndOrigin() {
        let written = settings.severityRules.filter { $0.origin != "built in" }
        #expect(written.map(\.severity) == [.p1, .p1, .p2, .p3])
        #expect(written.map(\.origin) == (17...20).map { "small.yaml:\($0)" })
        #expect(Array(settings.severityRules.prefix(4)) == written, "the file's own rows come first")
        #expect(settings.severityRules[0].value == 0.5)
        #expect(settings.severityRules[1].value == 0)
        #expect(settings.severityRules[1].scopeAtLeast == 1)
        #expect(settings.severityRules[2].value == 5)
        #expect(settings.severityRules[2].durationAtLeast == .seconds(600))
        #expect(settings.severityRules[3].check == "*")
        #expect(settings.severityRules[3].because == "degraded")
    }

    @Test func theMostSpecificOverrideAppliesAsAWhole() {
        let elsewhere = "reporting/Deployment/daily"
        #expect(check("error-rate", for: elsewhere)?.enter == 0.05)
        #expect(check("latency", for: elsewhere)?.enter == 3)
        #expect(check("latency", for: elsewhere)?.leave == 1)
        #expect(check("health", for: elsewhere) != nil)

        let control = "oddsmaker/Deployment/oddsmaker-control"
        // Of two equally specific ones the later; what it does not say comes from the check, not from the other
        // override.
        #expect(check("error-rate", for: control)?.enter == 0.04)
        #expect(check("error-rate", for: control)?.leave == 0.025)
        #expect(check("error-rate", for: control)?.minimumVolume == 10)
        #expect(check("latency", for: control) == nil)
        #expect(check("ready", for: control)?.enter == 0.7)
        #expect(check("ready", for: control)?.holdFor == .seconds(30))
        #expect(check("ready", for: "oddsmaker/Deployment/oddsmaker-web")?.enter == 0.5)
    }

    @Test func checksThatAreOffRunNowhere() {
        #expect(settings.baseChecks.map(\.name) == ["error-rate", "latency", "ready"])
    }

    @Test func valuesKnowWhereTheyAreWritten() throws {
        let effective = settings.effectiveChecks(for: "oddsmaker/Deployment/oddsmaker-control")
        let ready = try #require(effective.first { $0.configured.check.name == "ready" })
        #expect(ready.override?.pattern == "oddsmaker/Deployment/oddsmaker-contro?")
        #expect(ready.configured.origins["below"]?.fileAndLine == "small.yaml:35")
        #expect(ready.configured.origins["signal"]?.fileAndLine == "small.yaml:14")
        #expect(ready.configured.origins["window"] == nil)
    }

    @Test func aFileWithoutChecksHasTheShippedOnes() throws {
        let loaded = try ThresholdSettings.decode(
            GoldenFiles.source("thresholds/only-kind.yaml"), step: .seconds(10), environment: [:])
        #expect(loaded.value.checks == ThresholdSettings.shipped.checks)
        #expect(loaded.value.checks.count > 20)
        #expect(loaded.value.severityRules == ThresholdSettings.shipped.severityRules)
        #expect(loaded.value.severityRules.first?.origin.hasPrefix("thresholds.yaml (shipped):") == true)
    }

    @Test func overridesApplyToTheShippedChecks() throws {
        let text = """
            kind: thresholds
            overrides:
              - subject: postgresql/warehouse
                checks:
                  long-query: {above: 2h, leave: 2h}
            """
        let source = ConfigurationSource(file: "thresholds.yaml", folder: ".", text: text)
        let settings = try ThresholdSettings.decode(source, step: .seconds(10), environment: [:]).value
        let subject = Subject(cluster: "production", kind: .postgresql, path: "postgresql/warehouse")
        #expect(settings.checks(for: subject).first { $0.name == "long-query" }?.enter == 7200)
    }

    @Test func measuresArrive() throws {
        let settings = try ThresholdSettings.decode(
            GoldenFiles.source("thresholds/measures.yaml"), step: .seconds(10), environment: [:]
        ).value
        let byName = Dictionary(uniqueKeysWithValues: settings.checks.map { ($0.check.name, $0.check) })
        #expect(
            byName["budget"]?.measure
                == .burnRate(BurnRate(objective: 0.99, long: .seconds(21_600), short: .seconds(1800))))
        #expect(byName["budget"]?.enter == 6)
        #expect(byName["leak"]?.measure == .timeToExhaustion(Exhaustion(warmUp: .zero)))
        #expect(byName["leak"]?.enter == 21_600)
        #expect(byName["quiet"]?.lowVolume == LowVolume(window: .seconds(7200)))
        #expect(byName["quiet"]?.measure == .signal)
        #expect(byName["drop"]?.measure == .deviation(Baseline(side: .down)))
        #expect(byName["jump"]?.measure == .shift(LevelShift(minimumRatio: 2)))
        #expect(byName["odd"]?.measure == .surprise(Baseline(side: .up, minimumValue: 0.15)))
        #expect(byName["odd"]?.enter == 2)
        #expect(byName["risen"]?.timesUsual == 2)
        let shown = settings.effectiveChecks(for: "shop/Deployment/a").first { $0.configured.check.name == "odd" }
        #expect(
            shown?.configured.values.first { $0.key == "surprise" }?.text
                == "{side: up, minimumRatio: 1.5, minimumValue: 150ms}")
        let levels = settings.severityRules.prefix(3).map(\.value)
        #expect(levels == [3600, 3600, 0.5], "each in the unit of its check, built-in ones included")
        let cache = Subject(cluster: "c", kind: .workload, path: "caches/Deployment/a")
        #expect(settings.checks(for: cache).first { $0.name == "risen" }?.timesUsual == 3)
        let changed = settings.checks(for: cache).first { $0.name == "leak" }
        #expect(changed?.enter == 3600)
        #expect(
            changed?.measure == .timeToExhaustion(Exhaustion(minimumLevel: 0.9, warmUp: .zero)),
            "what the override does not say comes from the check")
    }
}

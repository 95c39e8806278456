import AgentSettings
import ConfigurationKit
import CoordinatorSettings
import Detection
import Foundation
import Incidents
import Scenarios
import Signals
import Testing

@Suite struct ShippedConfigurationTests {
    private func path(_ name: String) -> String { GoldenFiles.root.appendingPathComponent(name).path }

    private func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    private let environment = [
        "NODE_NAME": "worker-1", "KUBELET_URL": "https://10.0.0.1:10250", "TLS_CERTIFICATE_FILE": "/a",
        "TLS_KEY_FILE": "/b", "KUBELET_CA_FILE": "/c",
    ]

    /// A file with its comments turned into content, the paragraph at its head left out.
    private func uncommented(_ text: String) -> String {
        let body = text.components(separatedBy: "\n").drop { $0.hasPrefix("#") }
        return body.map { $0.hasPrefix("# ") ? String($0.dropFirst(2)) : $0 }
            .joined(separator: "\n")
    }

    private func thresholds(_ name: String, step: Duration) throws -> Loaded<ThresholdSettings> {
        try ThresholdSettings.load(path: path(name), step: step, environment: [:])
    }

    @Test(arguments: [
        "deploy/config/agent.yaml", "deploy/local/agent.yaml", "deploy/kubernetes/agent/agent.yaml",
        "deploy/kubernetes/components/host-logs/agent.yaml", "deploy/kubernetes/components/certificates/agent.yaml",
    ])
    func agentFilesAreAccepted(name: String) throws {
        let loaded = try AgentSettings.load(path: path(name), environment: environment)
        #expect(loaded.warnings.allSatisfy { $0.reason.hasPrefix("nothing is probed") }, "\(loaded.warnings)")
    }

    @Test(arguments: [
        "deploy/config/coordinator.yaml", "deploy/local/coordinator.yaml",
        "deploy/kubernetes/coordinator/coordinator.yaml",
        "deploy/kubernetes/components/certificates/coordinator.yaml",
    ])
    func coordinatorFilesAreAccepted(name: String) throws {
        #expect(try CoordinatorSettings.load(path: path(name), environment: environment).warnings == [])
    }

    @Test(arguments: [
        ("deploy/config/thresholds.yaml", 10), ("deploy/local/demo-thresholds.yaml", 2),
        ("deploy/kubernetes/coordinator/thresholds.yaml", 10),
    ])
    func thresholdFilesAreAccepted(name: String, step: Int) throws {
        #expect(try thresholds(name, step: .seconds(step)).warnings == [])
    }

    /// What is commented out is meant to be taken in, and must then be right.
    @Test func theExamplesInCommentsAreRight() throws {
        let agent = uncommented(try text("deploy/config/agent.yaml")).replacing("actuators: []", with: "actuators:")
            .replacing("prometheus: []", with: "prometheus:").replacing("databases: []", with: "databases:")
            .replacing("checks: []", with: "checks:")
        let source = ConfigurationSource(file: "agent.yaml", folder: ".", text: agent)
        let settings = try AgentSettings.decode(source, environment: environment)
        #expect(settings.warnings == [])
        #expect(settings.value.actuators.count == 1)
        #expect(settings.value.databases.count == 1)
        #expect(settings.value.prometheus.count == 1)
        #expect(settings.value.discovery.bindings.count == 1)
        #expect(settings.value.kubelet != nil)
        let thresholds = try text("deploy/config/thresholds.yaml").replacing("overrides: []", with: "overrides:")
            .replacing("\n#  ", with: "\n  ")
        let examples = try ThresholdSettings.decode(
            ConfigurationSource(file: "thresholds.yaml", folder: ".", text: thresholds), step: .seconds(10),
            environment: [:])
        #expect(examples.value.overrides.count == 2)
    }

    @Test func valuesInCommentsAreTheDefaults() throws {
        let defaults = try CoordinatorSettings.load(path: path("deploy/config/coordinator.yaml"), environment: [:])
            .value
        let written = uncommented(try text("deploy/config/coordinator.yaml"))
        let source = ConfigurationSource(file: "coordinator.yaml", folder: path("deploy/config"), text: written)
        #expect(try CoordinatorSettings.decode(source, environment: [:]).value == defaults)
    }

    @Test func theProgramHasTheShippedFile() throws {
        let shipped = ThresholdSettings.shipped
        let file = try thresholds("deploy/config/thresholds.yaml", step: .seconds(10)).value
        #expect(shipped.checks.map(\.check) == file.checks.map(\.check))
        #expect(
            shipped.checks.map(\.origins).map { $0.mapValues(\.line) }
                == file.checks.map(\.origins).map { $0.mapValues(\.line) })
        #expect(shipped.severityRules.map(\.because) == file.severityRules.map(\.because))
        let source = "Sources/CoordinatorSettings/ShippedThresholds.swift"
        let written = try swiftSource(of: "deploy/config/thresholds.yaml")
        if GoldenFiles.isRewriting { try Data(written.utf8).write(to: URL(fileURLWithPath: path(source))) }
        #expect(try text(source) == written, "run this test with TOCSIN_REWRITE_GOLDEN=1")
    }

    /// The Swift file that carries a YAML file.
    private func swiftSource(of name: String) throws -> String {
        let body = try text(name).components(separatedBy: "\n").map { $0.isEmpty ? "" : "        \($0)" }
        let doc = """
            /// The text of `\(name)`, so that the program has it wherever it runs.
            ///
            /// A test compares the two and, told so, writes this file.
            """
        return doc + "\nenum ShippedThresholds {\n    static let text = #\"\"\"\n" + body.joined(separator: "\n")
            + "\n        \"\"\"#\n}\n"
    }

    @Test func theDemoHasTheSameChecksOnlyFaster() throws {
        let shipped = try thresholds("deploy/config/thresholds.yaml", step: .seconds(10)).value
        let demo = try thresholds("deploy/local/demo-thresholds.yaml", step: .seconds(2)).value
        #expect(demo.checks.count == shipped.checks.count)
        for (fast, slow) in zip(demo.checks, shipped.checks) {
            #expect(fast.check.name == slow.check.name)
            #expect(fast.check.group == slow.check.group)
            #expect(fast.check.family == slow.check.family)
            #expect(fast.check.signal == slow.check.signal)
            #expect(fast.check.direction == slow.check.direction)
            #expect(fast.isEnabled == slow.isEnabled)
            #expect(fast.check.holdFor <= .seconds(4))
            #expect(fast.check.leaveFor <= .seconds(6))
            #expect(fast.check.window <= .seconds(20))
        }
        #expect(demo.severityRules.map(\.check) == shipped.severityRules.map(\.check))
        #expect(demo.severityRules.map(\.severity) == shipped.severityRules.map(\.severity))
    }

    @Test func theRunbooksNumbersAreShipped() throws {
        let shipped = ThresholdSettings.shipped
        func check(_ name: String) throws -> ThresholdSettings.ConfiguredCheck {
            try #require(shipped.checks.first { $0.check.name == name })
        }
        #expect(try check("error-rate").check.enter == 0.05)
        #expect(try check("error-rate").check.minimumVolume == 50)
        #expect(try check("long-query").check.enter == 300)
        #expect(try check("database-down").check.holdFor == .seconds(30))
        #expect(try check("connections").check.enter == 0.8)
        #expect(try check("heap-used").isEnabled == false)
    }

    @Test func theDetectorsThatLookFurtherAreShipped() throws {
        func check(_ name: String) throws -> Check {
            try #require(ThresholdSettings.shipped.checks.first { $0.check.name == name }).check
        }
        let quiet = try #require(try check("error-rate").lowVolume)
        #expect(abs(quiet.confidence - LowVolume().confidence) < 1e-9)
        #expect((quiet.window, quiet.enoughErrors) == (LowVolume().window, LowVolume().enoughErrors))
        #expect(
            try check("error-budget").measure
                == .burnRate(BurnRate(objective: 0.99, long: .seconds(3600), short: .seconds(300))))
        #expect(try check("heap-leak").measure == .timeToExhaustion(Exhaustion()))
        #expect(try check("memory-leak").measure == .timeToExhaustion(Exhaustion(minimumLevel: 0.75)))
        #expect(try check("traffic-drop").measure == .deviation(Baseline(side: .down, minimumRatio: 3)))
        #expect(
            try check("latency-unusual").measure
                == .surprise(Baseline(side: .up, minimumValue: 0.1, minimumRatio: 3)))
        #expect(try check("heap-leak").enter == 6 * 3600)
    }

    /// The scenarios' figures are those of what is shipped.
    @Test(arguments: ShippedChecks.all)
    func theBenchmarkPlaysTheShippedChecks(played: Check) throws {
        let shipped = try #require(ThresholdSettings.shipped.checks.first { $0.check.name == played.name })
        #expect(shipped.isEnabled)
        var same = shipped.check
        // Its sentences have short titles, and numbers that went through text may differ in the last digit.
        (same.title, same.lowVolume) = (played.title, played.lowVolume)
        for level in [\Check.enter, \Check.leave] where abs(same[keyPath: level] - played[keyPath: level]) < 1e-9 {
            same[keyPath: level] = played[keyPath: level]
        }
        #expect(same == played)
        #expect((shipped.check.lowVolume == nil) == (played.lowVolume == nil))
    }

    /// Who makes findings without a line under `checks` must have a level all the same.
    @Test(arguments: BuiltInChecks.all.map(\.name))
    func everyBuiltInCheckHasALevel(name: String) throws {
        let expected: [String: Severity] = ["agents-blind": .p2, "agent-silent": .p4, "login-after-failures": .p2]
        for settings in [ThresholdSettings.shipped, try ownChecksAlone()] {
            let last = settings.severityRules.first {
                Glob($0.check).matches(name) && $0.value == nil && $0.scopeAtLeast == nil
            }
            let level = try #require(last).severity
            if let expected = expected[name] { #expect(level == expected) }
        }
    }

    /// A file of before there were such checks.
    private func ownChecksAlone() throws -> ThresholdSettings {
        let text = """
            kind: thresholds
            checks: {error-rate: {family: error-rate, title: Errors, signal: error_ratio, above: 5%}}
            severity: [{check: error-rate, level: P2, because: errors}]
            """
        let source = ConfigurationSource(file: "thresholds.yaml", folder: ".", text: text)
        return try ThresholdSettings.decode(source, step: .seconds(10), environment: [:]).value
    }

    @Test func theMostSevereRowsComeFirst() {
        let severities = ThresholdSettings.shipped.severityRules.filter { $0.origin != "built in" }.map(\.severity)
        #expect(severities == severities.sorted(by: >))
        #expect(Set(severities) == Set(Severity.allCases))
    }

    @Test func everySignalThatAnEngineDerivesHasAUnit() {
        let names = SignalDescription.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.count == 45)
    }
}

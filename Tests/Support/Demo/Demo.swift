import CurlHTTP
import Foundation
import TocsinTestKit

/// The demo: a fleet on real targets, seven faults one after another, their incidents and recoveries.
enum Demo {
    private static let incidentTimeout: Duration = .seconds(40)
    private static let recoveryTimeout: Duration = .seconds(45)

    /// Runs it; false when an expected incident did not open, did not resolve, or one opened that nobody expected.
    static func run(_ console: DemoConsole) async throws -> Bool {
        let stage = try await DemoStage.start(console)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await stage.client.run() }
            group.addTask { await stage.traffic.run() }
            do {
                let passed = try await play(stage, console)
                await stage.stop()
                group.cancelAll()
                return passed
            } catch {
                await stage.stop()
                group.cancelAll()
                throw error
            }
        }
    }

    private static func play(_ stage: DemoStage, _ console: DemoConsole) async throws -> Bool {
        console.say("starting the coordinator and the agent (\(stage.options.interval) intervals)")
        let coordinator = try await stage.lab.startCoordinator()
        let agent = try stage.lab.startAgent(node: DemoStage.node)
        guard try await waitForGreen(stage, console) else {
            console.say("not green within 30 s; the agent's last lines:")
            for line in agent.lines.suffix(15) { console.raw("    \(line)") }
            return false
        }
        var outcomes: [Outcome] = []
        var failures: [String] = []
        var accounted = Set(try await stage.lab.incidents().map(\.id))
        if !accounted.isEmpty { failures.append("\(accounted.count) incidents opened although nothing was wrong") }
        for fault in Faults(stage: stage).all() {
            try Task.checkCancellation()
            let result = try await perform(fault, stage, console, accounted: &accounted)
            outcomes += result.outcomes
            failures += result.failures
        }
        try await finish(stage, console)
        console.table(outcomes)
        let usage = try await stage.lab.agents()
        for row in usage {
            console.say(
                "agent \(row.node): \(row.samplesTotal) samples, \(row.lostSamplesTotal) lost, \(row.rssBytes >> 20) MiB resident, "
                    + String(format: "%.1f s CPU", row.cpuSeconds))
        }
        _ = try await agent.terminate()
        _ = try await coordinator.terminate()
        for failure in failures { console.say("FAILED: \(failure)") }
        console.say(
            failures.isEmpty
                ? "all \(outcomes.count) expected incidents opened and resolved, none besides" : "the demo failed")
        return failures.isEmpty
    }

    private static func waitForGreen(_ stage: DemoStage, _ console: DemoConsole) async throws -> Bool {
        console.say("waiting for green")
        let green = try await stage.lab.eventually(within: .seconds(30)) { () -> [TocsinLab.Target]? in
            let targets = try await stage.lab.targets().filter { !$0.id.hasPrefix("agent/") }
            return targets.count == 3 && targets.allSatisfy { $0.outcome == "success" } ? targets : nil
        }
        guard let green else {
            for target in (try? await stage.lab.targets()) ?? [] {
                console.say("  \(target.id): \(target.outcome ?? "not probed yet") \(target.message ?? "")")
            }
            return false
        }
        for target in green {
            console.say("  \(target.id): \(target.outcome ?? "") (\(target.lastSampleCount) samples)")
        }
        // Rates need two looks, and windows a few: what opens now would be a false alarm.
        try await Task.sleep(for: .seconds(6))
        return true
    }

    private static func perform(
        _ fault: Fault, _ stage: DemoStage, _ console: DemoConsole, accounted: inout Set<String>
    ) async throws -> (outcomes: [Outcome], failures: [String]) {
        console.title(fault.title)
        try await fault.provoke()
        let provokedAt = ContinuousClock.now
        var opened: [Fault.Expectation: (incident: TocsinLab.Incident, seconds: Double)] = [:]
        _ = try await stage.lab.eventually(within: incidentTimeout) { () -> Bool? in
            for incident in try await stage.lab.incidents()
            where !accounted.contains(incident.id) || incident.state != "resolved" {
                let key = Fault.Expectation(incident.subject, incident.checkGroup)
                guard opened[key] == nil, incident.state != "resolved" else { continue }
                opened[key] = (incident, console.seconds(since: provokedAt))
                accounted.insert(incident.id)
                console.say(
                    "\(incident.id) \(incident.severity) \(incident.title): \(incident.subject) [\(incident.checkGroup)]"
                )
            }
            return fault.expected.allSatisfy { opened[$0] != nil } ? true : nil
        }
        var failures = fault.expected.filter { opened[$0] == nil }.map { "\(fault.title): no incident for \($0)" }
        try await fault.undo()
        let undoneAt = ContinuousClock.now
        console.say("undone")
        let recovered = try await recoveries(
            stage, console, undoneAt: undoneAt, fault: fault, opened: &opened, accounted: &accounted)
        failures += recovered.failures
        for key in opened.keys where !fault.expected.contains(key) && !fault.allowed.contains(key) {
            failures.append("\(fault.title): an incident nobody expected, \(key)")
        }
        let outcomes = fault.expected.map { key in
            Outcome(
                fault: fault.title, incident: opened[key]?.incident.id ?? "-",
                severity: recovered.severities[key] ?? "-",
                subject: key.subject, checkGroup: key.checkGroup, secondsToIncident: opened[key]?.seconds,
                secondsToRecovery: recovered.seconds[key])
        }
        return (outcomes, failures)
    }

    private struct Recoveries {
        var seconds: [Fault.Expectation: Double] = [:]
        var severities: [Fault.Expectation: String] = [:]
        var failures: [String] = []
    }

    private static func recoveries(
        _ stage: DemoStage, _ console: DemoConsole, undoneAt: ContinuousClock.Instant, fault: Fault,
        opened: inout [Fault.Expectation: (incident: TocsinLab.Incident, seconds: Double)], accounted: inout Set<String>
    ) async throws -> Recoveries {
        var result = Recoveries()
        _ = try await stage.lab.eventually(within: recoveryTimeout) { () -> Bool? in
            let incidents = try await stage.lab.incidents()
            for incident in incidents {
                let key = Fault.Expectation(incident.subject, incident.checkGroup)
                if opened[key] == nil, incident.state != "resolved" {
                    opened[key] = (incident, console.seconds(since: undoneAt))
                    accounted.insert(incident.id)
                    console.say(
                        "\(incident.id) \(incident.severity) \(incident.title): \(incident.subject) [\(incident.checkGroup)]"
                    )
                }
                guard let mine = opened[key], mine.incident.id == incident.id else { continue }
                result.severities[key] = incident.severity
                if incident.state == "resolved", result.seconds[key] == nil {
                    result.seconds[key] = console.seconds(since: undoneAt)
                    console.say("\(incident.id) resolved: \(incident.title)")
                }
            }
            return opened.keys.allSatisfy { result.seconds[$0] != nil } ? true : nil
        }
        result.failures = opened.keys.filter { result.seconds[$0] == nil }.map {
            "\(fault.title): \($0) did not resolve"
        }
        return result
    }

    private static func finish(_ stage: DemoStage, _ console: DemoConsole) async throws {
        guard let shown = try await stage.lab.incidents().first(where: { $0.checkGroup == "locks" }) else { return }
        console.title("tocsin incident show \(shown.id)")
        for line in try await stage.lab.tocsin(["incident", "show", shown.id]).lines { console.raw("    \(line)") }
        console.title("tocsin status")
        for line in try await stage.lab.tocsin(["status"]).lines { console.raw("    \(line)") }
    }
}

import CurlHTTP
import Foundation
import TocsinTestKit

/// What a steady agent costs: the demo's targets with nothing wrong, at the interval operators use.
struct Footprint {
    /// What to measure, from the command line.
    struct Options {
        var interval = "10s"
        /// Length of the measurement, after everything is green.
        var seconds = 300.0
        /// Actuator targets; all are the one JVM service under different names.
        var actuators = 1
        /// The whole captured node instead of its healthy pods.
        var wholeNode = false

        /// nil when the words are not understood.
        init?(_ words: [String]) {
            var rest = words[...]
            while let word = rest.popFirst() {
                switch word {
                case "--whole-node": wholeNode = true
                case "--interval":
                    guard let value = rest.popFirst() else { return nil }
                    interval = value
                case "--seconds":
                    guard let value = rest.popFirst().flatMap(Double.init), value > 0 else { return nil }
                    seconds = value
                case "--actuators":
                    guard let value = rest.popFirst().flatMap(Int.init), (1...100).contains(value) else { return nil }
                    actuators = value
                default: return nil
                }
            }
        }

        static let usage =
            "tocsin-demo [--footprint [--seconds 300] [--interval 10s] [--actuators 1] [--whole-node]]"
    }

    /// Memory and CPU of a process from `/proc`.
    struct Usage {
        var residentKiB: Int
        var anonymousKiB: Int
        var peakKiB: Int
        /// User and system, in clock ticks of 10 ms.
        var ticks: Int

        init?(pid: pid_t) {
            guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
                let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let name = stat.lastIndex(of: ")")
            else { return nil }
            func kib(_ field: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
                return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
            }
            residentKiB = kib("VmRSS:")
            anonymousKiB = kib("RssAnon:")
            peakKiB = kib("VmHWM:")
            // After the name: state is field 3, utime 14 and stime 15 (proc(5)).
            let fields = stat[stat.index(after: name)...].split(separator: " ")
            guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
            ticks = user + system
        }
    }

    let options: Options
    let console: DemoConsole

    /// Starts everything, waits until all targets answer, measures, prints; false when they never all answered.
    func run() async throws -> Bool {
        let stage = try await DemoStage.start(
            console,
            .init(interval: options.interval, actuators: options.actuators, wholeNode: options.wholeNode))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await stage.client.run() }
            group.addTask { await stage.traffic.run() }
            let outcome: Result<Bool, any Error>
            do {
                outcome = .success(try await measure(stage))
            } catch {
                outcome = .failure(error)
            }
            await stage.stop()
            group.cancelAll()
            return try outcome.get()
        }
    }

    private func measure(_ stage: DemoStage) async throws -> Bool {
        let coordinator = try await stage.lab.startCoordinator()
        let agent = try stage.lab.startAgent(node: DemoStage.node)
        let expected = options.actuators + 2
        let green = try await stage.lab.eventually(within: .seconds(60)) { () -> Bool? in
            let targets = try await stage.lab.targets().filter { !$0.id.hasPrefix("agent/") }
            return targets.count == expected && targets.allSatisfy { $0.outcome == "success" } ? true : nil
        }
        guard green != nil, let agentBefore = Usage(pid: agent.pid), let before = Usage(pid: coordinator.pid) else {
            console.say("not green within 60 s; the agent's last lines:")
            for line in agent.lines.suffix(15) { console.raw("    \(line)") }
            return false
        }
        console.say("all \(expected) targets answer; measuring for \(Int(options.seconds)) s")
        try await Task.sleep(for: .seconds(options.seconds))
        guard let agentAfter = Usage(pid: agent.pid), let after = Usage(pid: coordinator.pid) else { return false }
        let series = try await stage.lab.agents().first?.samplesTotal ?? 0
        console.raw("")
        console.raw("process      resident  anonymous      peak    CPU of a core")
        row("agent", agentBefore, agentAfter)
        row("coordinator", before, after)
        console.raw(
            "over \(Int(options.seconds)) s at \(options.interval), \(options.actuators) actuator(s), 1 PostgreSQL, "
                + "\(options.wholeNode ? "the whole captured node" : "the demo's pods"); \(series) samples in all")
        _ = try await agent.terminate()
        _ = try await coordinator.terminate()
        return true
    }

    private func row(_ name: String, _ before: Usage, _ after: Usage) {
        func mebibytes(_ kib: Int) -> String { String(format: "%6.1f MiB", Double(kib) / 1024) }
        let share = Double(after.ticks - before.ticks) / 100 / options.seconds * 100
        console.raw(
            "\(name.padding(toLength: 11, withPad: " ", startingAt: 0)) \(mebibytes(after.residentKiB)) "
                + "\(mebibytes(after.anonymousKiB)) \(mebibytes(after.peakKiB))  \(String(format: "%.2f %%", share))")
    }
}

import Probing
import Synchronization
import Telemetry
import Testing

/// A probe whose runs end when the test says so.
private final class SteeredProbe: Probe {
    private struct State {
        var runs: [CheckedContinuation<ProbeReport, Never>] = []
        var runCount = 0
        var closeCount = 0
        var automatic: ProbeReport?
    }

    let target: Target
    private let state: Mutex<State>
    private let started = AsyncStream<Timestamp>.makeStream()

    init(
        _ name: String, kind: Target.Kind = .actuator, interval: Duration = .seconds(10),
        deadline: Duration = .seconds(5), automatic: ProbeReport? = nil
    ) {
        target = Target(kind: kind, name: name, address: "x", interval: interval, deadline: deadline)
        state = Mutex(State(automatic: automatic))
    }

    var closeCount: Int { state.withLock { $0.closeCount } }
    var runCount: Int { state.withLock { $0.runCount } }

    func run(startedAt: Timestamp) async -> ProbeReport {
        await withCheckedContinuation { continuation in
            let automatic = state.withLock { state in
                state.runCount += 1
                guard state.automatic == nil else { return state.automatic }
                state.runs.append(continuation)
                return nil
            }
            if let automatic { continuation.resume(returning: automatic) }
            started.continuation.yield(startedAt)
        }
    }

    func close() async { state.withLock { $0.closeCount += 1 } }

    /// The start of the next run.
    func nextStart() async -> Timestamp? {
        var iterator = started.stream.makeAsyncIterator()
        return await iterator.next()
    }

    func end(_ outcome: ProbeOutcome = .success, _ names: [String] = []) {
        end(ProbeReport(outcome: outcome, samples: names.map { Sample(Series($0), Timestamp(millis: 1), 1) }))
    }

    func end(_ report: ProbeReport) {
        let run = state.withLock { $0.runs.removeFirst() }
        run.resume(returning: report)
    }
}

/// A probe that asks one thing after another until it is told to stop, as one of many small requests does.
private final class AskingProbe: Probe {
    let target = Target(kind: .actuator, name: "asking", address: "x", interval: .seconds(10), deadline: .seconds(5))
    let breaksOff = true
    let asked = Mutex(0)
    let closed = Mutex(false)

    func run(startedAt: Timestamp) async -> ProbeReport {
        while !Task.isCancelled {
            asked.withLock { $0 += 1 }
            await Task.yield()
        }
        return ProbeReport(outcome: .success)
    }

    func close() async { closed.withLock { $0 = true } }
}

@Suite(.timeLimit(.minutes(1)))
struct ProbeRunnerTests {
    private let clock = ManualClock()
    private let origin = Timestamp(millis: 1_000_000_000)

    private func runner(
        _ probes: [any Probe], _ configuration: ProbeRunner<ManualClock>.Configuration = .init()
    ) -> ProbeRunner<ManualClock> {
        let start = clock.now
        return ProbeRunner(
            probes: probes, clock: clock, wallClock: { [clock, origin] in origin + start.duration(to: clock.now) },
            configuration: configuration)
    }

    private func next(_ results: inout AsyncStream<ProbeResult>.AsyncIterator) async throws -> ProbeResult {
        let result = await results.next(isolation: #isolation)
        return try #require(result)
    }

    /// Lets others run; a suite whose time is over ends here instead of turning for ever.
    private func turn() async throws {
        try Task.checkCancellation()
        await Task.yield()
    }

    /// Moves time to the target's next grid point, when its run before has ended: the runner skips a point at which the
    /// target still runs.
    private func advanceToGrid(_ target: Target, _ runner: ProbeRunner<ManualClock>) async throws {
        while runner.isRunning(target.id) { try await turn() }
        let offset = ProbeSchedule.offset(of: target.id, interval: target.interval).wholeMilliseconds
        let now = (origin + ManualClock.Instant(offset: .zero).duration(to: clock.now)).millis
        let step = target.interval.wholeMilliseconds
        let rest = ((offset - now) % step + step) % step
        clock.advance(by: .milliseconds(rest == 0 ? step : rest))
    }

    /// Not after some time but at once: however slow the machine, it asks nothing more once it has been told.
    @Test func aRunIsBrokenOffWhenItsTargetGoes() async throws {
        let probe = AskingProbe()
        let runner = runner([probe])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        try await advanceToGrid(probe.target, runner)
        while probe.asked.withLock({ $0 }) < 3 { try await turn() }
        runner.update(probes: [])
        // Neither its deadline nor the next grid point: time stands still.
        while !probe.closed.withLock({ $0 }) { try await turn() }
        let asked = probe.asked.withLock { $0 }
        for _ in 0..<100 { try await turn() }
        #expect(probe.asked.withLock { $0 } == asked)
        #expect(runner.counters.runsBrokenOff == 1 && !runner.isRunning(probe.target.id))
        runner.stop()
        await service.value
        #expect(await results.next(isolation: #isolation) == nil, "a run that was broken off says nothing")
    }

    @Test func runsOnItsGridAndReports() async throws {
        let probe = SteeredProbe("a")
        let runner = runner([probe])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        for round in 0..<3 {
            try await advanceToGrid(probe.target, runner)
            let startedAt = try #require(await probe.nextStart())
            #expect(
                startedAt.millis % 10_000
                    == ProbeSchedule.offset(of: probe.target.id, interval: .seconds(10)).wholeMilliseconds)
            clock.advance(by: .milliseconds(120))
            probe.end(.success, ["m"])
            let result = try await next(&results)
            #expect(result.startedAt == startedAt)
            #expect(result.duration == .milliseconds(120))
            #expect(result.report.samples.map(\.series.metric) == ["m", "probe_up", "probe_duration_seconds"])
            #expect(runner.statuses.first?.outcome == .success)
            #expect(runner.counters.runs == UInt64(round + 1))
        }
        runner.stop()
        await service.value
        #expect(probe.closeCount == 1)
        let over = await results.next(isolation: #isolation)
        #expect(over == nil)
    }

    @Test func anOverrunIsATimeoutAndItsLateReportIsDropped() async throws {
        let probe = SteeredProbe("slow", deadline: .seconds(9))
        let runner = runner([probe])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        try await advanceToGrid(probe.target, runner)
        _ = await probe.nextStart()
        clock.advance(by: .milliseconds(9250))
        let result = try await next(&results)
        #expect(result.report.outcome.failureClass == .timeout)
        #expect(result.report.edges.first?.attributes["to"] == "timeout")
        // It still runs at the next grid point: skipped, not doubled.
        clock.advance(by: .milliseconds(750))
        while runner.counters.skippedRuns == 0 { try await turn() }
        #expect(probe.runCount == 1)
        #expect(runner.counters.skippedRuns == 1)
        probe.end(.success, ["m"])
        while runner.counters.lateReportsDropped == 0 { try await turn() }
        try await advanceToGrid(probe.target, runner)
        _ = await probe.nextStart()
        #expect(probe.runCount == 2)
        probe.end(.success, ["m"])
        let report = try await next(&results).report
        #expect(report.outcome == .success)
        #expect(runner.counters.overruns == 1)
        runner.stop()
        await service.value
    }

    @Test func oneHangingProbeDelaysNoOther() async throws {
        let hanging = SteeredProbe("hanging")
        let healthy = SteeredProbe("healthy", automatic: ProbeReport(outcome: .success))
        let runner = runner([hanging, healthy])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        for _ in 0..<4 {
            try await advanceToGrid(healthy.target, runner)
            _ = await healthy.nextStart()
            while true {
                let result = try await next(&results)
                if result.target.id == healthy.target.id { break }
                #expect(result.report.outcome.failureClass == .timeout)
            }
            if hanging.runCount > 0, runner.counters.overruns > 0 { break }
        }
        if hanging.runCount > 0 { hanging.end() }
        runner.stop()
        await service.value
        #expect(healthy.runCount >= 1)
    }

    @Test func aSlowReaderCostsTheOldestResults() async throws {
        let probe = SteeredProbe("a", automatic: ProbeReport(outcome: .success))
        let runner = runner([probe], .init(resultsMax: 2))
        let service = Task { await runner.run() }
        for round in 1...5 {
            try await advanceToGrid(probe.target, runner)
            _ = await probe.nextStart()
            while runner.statuses.first?.lastProbeAt.map({ $0.millis < origin.millis + Int64(round - 1) * 10_000 })
                ?? true
            {
                try await turn()
            }
        }
        while runner.counters.resultsDropped < 3 { try await turn() }
        runner.stop()
        await service.value
        var startTimes: [Timestamp] = []
        for await result in runner.results { startTimes.append(result.startedAt) }
        #expect(startTimes.count == 2)
        #expect(startTimes == startTimes.sorted())
        #expect(runner.counters.resultsDropped == 3)
    }

    @Test func aTargetThatVanishesIsClosedAndEnded() async throws {
        let gone = SteeredProbe("gone", automatic: ProbeReport(outcome: .success))
        let kept = SteeredProbe("kept", automatic: ProbeReport(outcome: .success))
        let runner = runner([gone, kept])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        try await advanceToGrid(gone.target, runner)
        _ = await gone.nextStart()
        while try await next(&results).target.id != gone.target.id {}
        runner.update(probes: [kept])
        var end = try await next(&results)
        while !end.isEnd { end = try await next(&results) }
        #expect(end.target.id == gone.target.id)
        #expect(end.report.samples.allSatisfy { StaleMarker.matches($0.value) })
        #expect(Set(end.report.samples.map(\.series.metric)) == ["probe_up", "probe_duration_seconds"])
        while gone.closeCount == 0 { try await turn() }
        #expect(runner.statuses.map(\.target.id) == [kept.target.id])
        runner.stop()
        await service.value
        #expect(kept.closeCount == 1)
        #expect(gone.closeCount == 1)
    }

    @Test func aReplacedProbeIsClosedAfterItsRun() async throws {
        let old = SteeredProbe("a")
        let new = SteeredProbe("a", automatic: ProbeReport(outcome: .success))
        let runner = runner([old])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        try await advanceToGrid(old.target, runner)
        _ = await old.nextStart()
        runner.update(probes: [new])
        #expect(old.closeCount == 0)
        old.end(.success, ["m"])
        while old.closeCount == 0 { try await turn() }
        #expect(runner.counters.lateReportsDropped == 1)
        try await advanceToGrid(new.target, runner)
        _ = await new.nextStart()
        let report = try await next(&results).report
        #expect(report.outcome == .success)
        runner.stop()
        await service.value
    }

    @Test func cancellationEndsTheRuns() async throws {
        let probe = SteeredProbe("a")
        let runner = runner([probe])
        let service = Task { await runner.run() }
        try await advanceToGrid(probe.target, runner)
        _ = await probe.nextStart()
        service.cancel()
        probe.end(.success, ["m"])
        await service.value
        #expect(probe.closeCount == 1)
        for await result in runner.results { Issue.record("a result after cancellation: \(result)") }
    }

    private func report(_ names: [String]) -> ProbeReport {
        ProbeReport(outcome: .success, samples: names.map { Sample(Series($0), origin, 1) })
    }

    @Test func beyondTheSeriesLimitTheLastInTheOrderGivesWay() async throws {
        let first = SteeredProbe("first", automatic: report(["a", "b"]))
        let last = SteeredProbe("last", kind: .logs, automatic: report(["x", "y", "z"]))
        // Two series of its own for each target leave three, of which the actuator has two.
        let runner = runner([last, first], .init(seriesMax: 7))
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        var newest: [String: [String]] = [:]
        // Whichever came first: at the second result of each the order has been at work.
        for _ in 0..<3 {
            for probe in [first, last] {
                try await advanceToGrid(probe.target, runner)
                let result = try await next(&results)
                newest[result.target.id] = result.report.samples.filter { !StaleMarker.matches($0.value) }
                    .map(\.series.metric).filter { !$0.hasPrefix("probe_") }
            }
        }
        #expect(newest == ["actuator/first": ["a", "b"], "logs/last": ["x"]])
        #expect(runner.liveSeriesCount == 7)
        #expect(runner.counters.samplesDropped >= 4)
        runner.stop()
        await service.value
    }

    @Test func aShedKindIsNotProbedAndSaysSo() async throws {
        let logs = SteeredProbe("logs", kind: .logs, automatic: report(["x"]))
        let runner = runner([logs])
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        runner.shed([.logs], reason: "no memory")
        try await advanceToGrid(logs.target, runner)
        let skipped = try await next(&results)
        #expect(skipped.report.outcome == .failure(.internal, "no memory"))
        #expect(skipped.report.samples.isEmpty)
        #expect(logs.runCount == 0)
        #expect(runner.counters.runsShed == 1)
        runner.shed([], reason: "")
        try await advanceToGrid(logs.target, runner)
        let back = try await next(&results)
        #expect(back.report.outcome == .success)
        #expect(back.report.edges.map(\.kind) == [.targetOutcomeChanged])
        runner.stop()
        await service.value
    }

    @Test func aTargetThatBeginsToFailIsLookedAtAgainSoon() async throws {
        let probe = SteeredProbe("a")
        let runner = runner([probe])
        let id = probe.target.id
        func report(_ errors: Double) -> ProbeReport {
            let labels: LabelSet = ["outcome": "SERVER_ERROR"]
            let series = Series("http_server_requests_seconds_count", labels)
            return ProbeReport(outcome: .success, samples: [Sample(series, Timestamp(millis: 1), errors)])
        }
        var results = runner.results.makeAsyncIterator()
        let service = Task { await runner.run() }
        var starts: [Timestamp] = []
        for errors in [0, 0, 4, 9, 20] as [Double] {
            if errors == 9 {
                while runner.isRunning(id) { try await turn() }
                clock.advance(by: .seconds(3))
            } else {
                try await advanceToGrid(probe.target, runner)
            }
            starts.append(try #require(await probe.nextStart()))
            probe.end(report(errors))
            let result = try await next(&results)
            #expect(result.isUrgent == (errors == 4 || errors == 9))
        }
        let pauses = zip(starts.dropFirst(), starts).map { ($0 - $1).inSeconds }
        #expect(pauses == [10, 10, 3, 7], "\(pauses)")
        #expect(runner.counters.extraRuns == 1)
        runner.stop()
        await service.value
    }
}

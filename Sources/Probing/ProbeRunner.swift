import FlowControl
import Synchronization
package import Telemetry

/// Runs every probe at its time and hands out what they found.
///
/// Each run is a child task with the target's deadline; a run that overruns is reported as a timeout, what it says
/// later is dropped and counted, and the target's next run waits until it has really ended. Results go into a bounded
/// buffer: when nobody takes them, the oldest is dropped and counted, for probing never waits for the uplink.
package final class ProbeRunner<C: Clock>: Sendable where C.Duration == Duration {
    /// Limits of a runner.
    package struct Configuration: Sendable, Hashable {
        /// Results kept for the reader, default 1024; the oldest is dropped first.
        package var resultsMax: Int
        /// Series remembered for stale markers per target, default 20,000.
        package var seriesPerTargetMax: Int
        /// Series of all targets, `probe_*` included; beyond, samples are dropped in the order of `SeriesRank`.
        package var seriesMax: Int
        /// Time beyond a target's deadline after which the runner reports for a probe that did not, default 250 ms.
        package var deadlineGrace: Duration

        /// Makes limits.
        package init(
            resultsMax: Int = 1024, seriesPerTargetMax: Int = 20_000, seriesMax: Int = .max,
            deadlineGrace: Duration = .milliseconds(250)
        ) {
            self.resultsMax = resultsMax
            self.seriesMax = seriesMax
            self.seriesPerTargetMax = seriesPerTargetMax
            self.deadlineGrace = deadlineGrace
        }
    }

    /// What a runner counted since it was made.
    package struct Counters: Sendable, Hashable {
        /// Runs started.
        package var runs: UInt64 = 0
        /// Runs that the runner ended as a timeout.
        package var overruns: UInt64 = 0
        /// Reports that came after their run was ended, and were dropped.
        package var lateReportsDropped: UInt64 = 0
        /// Grid points without a run.
        package var skippedRuns: UInt64 = 0
        /// Results dropped since the reader was too slow.
        package var resultsDropped: UInt64 = 0
        /// Edges that a probe pushed after it was replaced or taken out, and that were dropped.
        package var latePushesDropped: UInt64 = 0
        /// Series that will get no stale marker, since a target had more than `seriesPerTargetMax`.
        package var seriesForgotten: UInt64 = 0
        /// Samples dropped since there were more series than `seriesMax`.
        package var samplesDropped: UInt64 = 0
        /// Looks between two grid points, since a target had begun to count server errors.
        package var extraRuns: UInt64 = 0
        /// Runs broken off since their target was taken out.
        package var runsBrokenOff: UInt64 = 0
        /// Runs left out since their kind of target is shed.
        package var runsShed: UInt64 = 0

        /// Makes counters at zero.
        package init() {}
    }

    /// A probe with the number that tells it from the one before under the same id.
    private struct Numbered {
        var probe: any Probe
        var number: UInt64
    }

    private struct Active {
        var probe: Numbered
        var ledger: TargetLedger
    }

    private struct State {
        var schedule: ProbeSchedule
        var active: [String: Active] = [:]
        /// Probes that were replaced or taken out, to be closed by the runner; a running one is closed when its run has
        /// ended.
        var retired: [Numbered] = []
        var running: [String: UInt64] = [:]
        /// Breaks off the run of a probe, by the probe's number.
        var breaks: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastNumber: UInt64 = 0
        var counters = Counters()
        var isStopping = false
        var shed: Set<Target.Kind> = []
        var shedReason = ""
    }

    private let configuration: Configuration
    private let clock: C
    private let origin: C.Instant
    private let wallClock: @Sendable () -> Timestamp
    private let state: Mutex<State>
    private let wake = WakeSignal()
    private let continuation: AsyncStream<ProbeResult>.Continuation

    /// What the probes found, in order of completion; ends after `run()`.
    ///
    /// For one reader.
    package let results: AsyncStream<ProbeResult>

    /// Makes a runner that is idle until `run()`.
    package init(
        probes: [any Probe], clock: C, wallClock: @escaping @Sendable () -> Timestamp,
        configuration: Configuration = Configuration()
    ) {
        self.configuration = configuration
        self.clock = clock
        self.wallClock = wallClock
        origin = clock.now
        state = Mutex(State(schedule: ProbeSchedule(origin: wallClock())))
        (results, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(configuration.resultsMax))
        update(probes: probes)
    }

    /// Replaces the set of probes.
    ///
    /// Of two probes of one target id the later wins.
    ///
    /// A target that vanishes ends: its probe is closed, where it `breaksOff` amid its run, and its series get stale
    /// markers. A target that stays keeps its
    /// grid, its status and its series; when its probe is another instance, the old one is closed after its run.
    ///
    /// - Parameter handedOver: of the targets that vanish, those that go on elsewhere: their series do not end.
    package func update(probes: [any Probe], handedOver: Set<String> = []) {
        let now = clock.now
        let time = wallClock()
        var pushing: [(any PushingProbe, UInt64)] = []
        let ends: [ProbeResult] = state.withLock { state in
            var wanted: [String: any Probe] = [:]
            for probe in probes { wanted[probe.target.id] = probe }
            var ends: [ProbeResult] = []
            for (id, active) in state.active.sorted(by: { $0.key < $1.key }) where wanted[id] == nil {
                state.schedule.remove(id)
                state.active[id] = nil
                state.retired.append(active.probe)
                state.breaks[active.probe.number]?.finish()
                state.counters.samplesDropped += active.ledger.droppedSampleCount
                state.counters.seriesForgotten += active.ledger.forgottenSeriesCount
                var ledger = active.ledger
                if !handedOver.contains(id), let end = ledger.end(at: time) { ends.append(end) }
            }
            for (id, probe) in wanted {
                let target = probe.target
                state.lastNumber += 1
                let numbered = Numbered(probe: probe, number: state.lastNumber)
                if let active = state.active[id] {
                    guard !Self.isSame(active.probe.probe, probe) else { continue }
                    state.active[id]?.probe = numbered
                    state.active[id]?.ledger.replaceTarget(target)
                    state.retired.append(active.probe)
                } else {
                    let ledger = TargetLedger(target: target, seriesMax: configuration.seriesPerTargetMax)
                    state.active[id] = Active(probe: numbered, ledger: ledger)
                }
                state.schedule.set(id, interval: target.interval, now: origin.duration(to: now))
                if let probe = probe as? any PushingProbe { pushing.append((probe, numbered.number)) }
            }
            return ends
        }
        for end in ends { emit(end) }
        for (probe, number) in pushing {
            // Without the probe itself in it, which will hold this closure.
            let id = probe.target.id
            probe.pushes { [weak self] edges in self?.push(edges, id: id, number: number) }
        }
        wake.signal()
    }

    /// The targets with their last results, by id.
    package var statuses: [TargetStatus] {
        state.withLock { $0.active.values.map(\.ledger.status) }.sorted { $0.target.id < $1.target.id }
    }

    /// What was counted so far.
    package var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.skippedRuns = state.schedule.skippedCount
            for active in state.active.values {
                counters.seriesForgotten += active.ledger.forgottenSeriesCount
                counters.samplesDropped += active.ledger.droppedSampleCount
            }
            return counters
        }
    }

    /// Series that are live, over all targets.
    package var liveSeriesCount: Int {
        state.withLock { state in state.active.values.reduce(0) { $0 + $1.ledger.liveSeriesCount } }
    }

    /// Whether a run of the target is under way; it may be for a while after its result was handed out.
    package func isRunning(_ id: String) -> Bool { state.withLock { $0.running[id] != nil } }

    /// Leaves out the runs of these kinds of target until told otherwise.
    ///
    /// Runs under way end as they would. A target that is left out fails as `internal` with `reason`, without samples.
    package func shed(_ kinds: Set<Target.Kind>, reason: String) {
        state.withLock { state in
            state.shed = kinds
            state.shedReason = reason
        }
    }

    /// Starts no more runs; `run()` returns when those under way have ended and every probe is closed.
    package func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
    }

    /// Probes until `stop()` or cancellation; cancelling also cancels the runs under way.
    ///
    /// Then closes every probe.
    ///
    /// The series of the targets are not ended: the agent that starts next goes on with them.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let work = takeWork()
                for probe in work.retired { group.addTask { await probe.close() } }
                if work.isStopping { break }
                for result in work.skipped { emit(result) }
                for (id, probe) in work.due { group.addTask { await self.run(probe, id: id) } }
                await wait(until: work.next)
            }
        }
        let probes = state.withLock { state in
            defer { state.retired = [] }
            return state.active.values.map(\.probe.probe) + state.retired.map(\.probe)
        }
        for probe in probes { await probe.close() }
        continuation.finish()
    }

    // MARK: - One round

    private struct Work {
        var due: [(String, Numbered)] = []
        var skipped: [ProbeResult] = []
        var retired: [any Probe] = []
        var next: Duration?
        var isStopping = false
    }

    private func takeWork() -> Work {
        let now = origin.duration(to: clock.now)
        let time = wallClock()
        return state.withLock { state in
            var work = Work()
            // A probe whose run is under way stays retired until the run has ended.
            let busy = Set(state.running.values)
            work.retired = state.retired.filter { !busy.contains($0.number) }.map(\.probe)
            state.retired.removeAll { !busy.contains($0.number) }
            work.isStopping = state.isStopping
            guard !state.isStopping else { return work }
            for item in state.schedule.takeDue(now: now) {
                // An id whose old probe still runs (it was taken out and came back) waits for its next grid point.
                guard state.running[item.id] == nil else { continue }
                guard let probe = state.active[item.id]?.probe else {
                    state.schedule.finished(item.id)
                    continue
                }
                if state.shed.contains(probe.probe.target.kind) {
                    state.schedule.finished(item.id)
                    state.counters.runsShed += 1
                    if let result = state.active[item.id]?.ledger.skip(state.shedReason, at: time) {
                        work.skipped.append(result)
                    }
                    continue
                }
                state.running[item.id] = probe.number
                state.counters.runs += 1
                work.due.append((item.id, probe))
            }
            work.next = state.schedule.nextPoint
            return work
        }
    }

    private func wait(until next: Duration?) async {
        await withTaskGroup(of: Void.self) { group in
            if let next {
                group.addTask { [clock, origin] in
                    try? await clock.sleep(until: origin.advanced(by: next), tolerance: nil)
                }
            }
            group.addTask { [wake] in await wake.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private enum RunEvent: Sendable {
        case report(ProbeReport)
        case deadline
        case brokenOff
    }

    private func run(_ numbered: Numbered, id: String) async {
        let probe = numbered.probe
        let target = probe.target
        let startedAt = wallClock()
        let started = clock.now
        let limit = target.deadline + configuration.deadlineGrace
        let broken = probe.breaksOff ? beginBreakable(numbered, id: id) : nil
        await withTaskGroup(of: RunEvent.self) { group in
            group.addTask { .report(await probe.run(startedAt: startedAt)) }
            if let broken {
                group.addTask {
                    for await _ in broken {}
                    return .brokenOff
                }
            }
            group.addTask { [clock] in
                try? await clock.sleep(until: started.advanced(by: limit), tolerance: nil)
                return .deadline
            }
            switch await group.next() {
            case .report(let report):
                finish(id, numbered, report, startedAt: startedAt, duration: started.duration(to: clock.now))
                group.cancelAll()
            case .deadline where !Task.isCancelled:
                let message = "The probe did not end within \(target.deadline.wholeMilliseconds) ms."
                state.withLock { $0.counters.overruns += 1 }
                finish(
                    id, numbered, ProbeReport(outcome: .failure(.timeout, message)), startedAt: startedAt,
                    duration: started.duration(to: clock.now))
                group.cancelAll()
                for await event in group {
                    if case .report = event { state.withLock { $0.counters.lateReportsDropped += 1 } }
                }
            case .brokenOff where !Task.isCancelled:
                state.withLock { $0.counters.runsBrokenOff += 1 }
                group.cancelAll()
            case .deadline, .brokenOff, nil:
                group.cancelAll()
            }
        }
        state.withLock { state in
            state.running[id] = nil
            state.breaks[numbered.number] = nil
            state.schedule.finished(id)
        }
        wake.signal()
    }

    /// Ends when the target is taken out; at once when it was already.
    private func beginBreakable(_ numbered: Numbered, id: String) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            if state.active[id] == nil { continuation.finish() } else { state.breaks[numbered.number] = continuation }
        }
        return stream
    }

    /// Hands out edges that a probe found between two runs, through the same bounded buffer as results.
    private func push(_ edges: [Edge], id: String, number: UInt64) {
        let time = wallClock()
        let result: ProbeResult? = state.withLock { state in
            guard let active = state.active[id], active.probe.number == number else {
                state.counters.latePushesDropped += UInt64(edges.count)
                return nil
            }
            let status = active.ledger.status
            let report = ProbeReport(outcome: status.outcome ?? .success, edges: edges)
            return ProbeResult(target: status.target, startedAt: time, duration: .zero, report: report)
        }
        if let result { emit(result) }
    }

    /// Records a report, unless its target was taken out or its probe replaced meanwhile, or the runner was cancelled.
    private func finish(
        _ id: String, _ probe: Numbered, _ report: ProbeReport, startedAt: Timestamp, duration: Duration
    ) {
        guard !Task.isCancelled else { return }
        let result: ProbeResult? = state.withLock { state in
            guard state.active[id]?.probe.number == probe.number else {
                state.counters.lateReportsDropped += 1
                return nil
            }
            let allowance = allowance(of: probe.probe.target, state)
            let result = state.active[id]?.ledger.record(
                report, startedAt: startedAt, duration: duration, allowance: allowance)
            // An agent that is short of memory takes no look more than it must.
            if state.shed.isEmpty, state.active[id]?.ledger.isWorthAnotherLook == true,
                state.schedule.lookAgain(id, now: origin.duration(to: clock.now))
            {
                state.counters.extraRuns += 1
            }
            return result
        }
        if let result { emit(result) }
    }

    /// Series that a report of the target may have: what the targets before it leave, less its own `probe_*` series.
    private func allowance(of target: Target, _ state: State) -> Int {
        guard configuration.seriesMax < .max else { return .max }
        let rank = SeriesRank(target)
        let before = state.active.values.reduce(0) { sum, active in
            SeriesRank(active.ledger.status.target) < rank ? sum + active.ledger.liveSeriesCount : sum
        }
        return max(0, configuration.seriesMax - before - TargetLedger.ownSeriesCount)
    }

    private func emit(_ result: ProbeResult) {
        if case .dropped = continuation.yield(result) {
            state.withLock { $0.counters.resultsDropped += 1 }
        }
    }

    /// Whether both are one instance; values never are.
    private static func isSame(_ one: any Probe, _ other: any Probe) -> Bool {
        guard type(of: one) is AnyClass, type(of: other) is AnyClass else { return false }
        return (one as AnyObject) === (other as AnyObject)
    }
}

import CLibcurl
import Glibc
import Probing
import Synchronization
import Telemetry

/// The door between tasks and the thread that owns the multi handle: jobs and cancellations go in, results come out.
///
/// The lock is never held over a transfer, and every continuation is resumed outside of it.
final class CurlQueue: Sendable {
    /// idle -> running -> draining -> ended, and from each of the first three straight to aborting -> ended.
    enum Phase {
        case idle, running, draining, aborting, ended
    }

    /// What the thread has to do next.
    struct Work {
        var jobs: [CurlJob] = []
        var cancellations: [UInt64] = []
        var unpauses: [UInt64] = []
        var phase = Phase.running
    }

    private enum Entry {
        case reserved, cancelledEarly, submitted
    }

    private struct State {
        var phase = Phase.idle
        var nextID: UInt64 = 0
        var entries: [UInt64: Entry] = [:]
        var submittedCount = 0
        var jobs: [CurlJob] = []
        var cancellations: [UInt64] = []
        var unpauses: [UInt64] = []
        var counters = CurlHTTPClient.Counters()
        var multi: UnsafeMutableRawPointer?
        var thread: pthread_t?
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func wake() {
            guard let multi else { return }
            curl_multi_wakeup(multi)
        }
    }

    let configuration: CurlHTTPClient.Configuration
    private let state = Mutex(State())

    init(_ configuration: CurlHTTPClient.Configuration) {
        self.configuration = configuration
    }

    var counters: CurlHTTPClient.Counters { state.withLock { $0.counters } }
    var transfersCount: Int { state.withLock { $0.submittedCount } }

    func reserve() -> UInt64 {
        state.withLock { state in
            state.nextID += 1
            state.entries[state.nextID] = .reserved
            return state.nextID
        }
    }

    func submit(_ job: CurlJob) {
        start()
        let refusal: String? = state.withLock { state in
            if state.entries[job.id] == .cancelledEarly {
                state.counters.cancelled += 1
                state.counters.failed += 1
                state.entries[job.id] = nil
                return "The request was cancelled."
            }
            guard state.phase == .running, state.submittedCount < configuration.transfersMax else {
                state.counters.refused += 1
                state.entries[job.id] = nil
                return state.phase == .running
                    ? "Too many requests are under way (\(configuration.transfersMax))."
                    : "The HTTP client is shut down."
            }
            state.entries[job.id] = .submitted
            state.submittedCount += 1
            state.counters.accepted += 1
            state.jobs.append(job)
            state.wake()
            return nil
        }
        if let refusal {
            job.finish(with: .failure(HTTPFailure(.internal, refusal, connected: false)))
        }
    }

    func cancel(_ id: UInt64) {
        state.withLock { state in
            switch state.entries[id] {
            case .reserved: state.entries[id] = .cancelledEarly
            case .submitted:
                state.cancellations.append(id)
                state.wake()
            case .cancelledEarly, nil: break
            }
        }
    }

    /// Lets a stream go on that was paused since its receiver was slow.
    func unpause(_ id: UInt64) {
        state.withLock { state in
            guard state.entries[id] == .submitted else { return }
            state.unpauses.append(id)
            state.wake()
        }
    }

    /// Starts the thread unless it was started before.
    func start() {
        state.withLock { state in
            guard state.phase == .idle else { return }
            _ = Self.globalInit
            guard let multi = curl_multi_init() else {
                state.phase = .ended
                return
            }
            tocsin_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, configuration.idleConnectionsMax)
            var thread = pthread_t()
            let context = Unmanaged.passRetained(CurlThread(queue: self, multi: multi))
            let status = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<CurlThread>.fromOpaque(argument).takeRetainedValue().main()
                    return nil
                }, context.toOpaque())
            guard status == 0 else {
                context.release()
                curl_multi_cleanup(multi)
                state.phase = .ended
                return
            }
            state.multi = multi
            state.thread = thread
            state.phase = .running
        }
    }

    func stop(_ wanted: Phase) {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            switch state.phase {
            case .idle:
                state.phase = .ended
                defer { state.waiters = [] }
                return state.waiters
            case .running: state.phase = wanted
            case .draining where wanted == .aborting: state.phase = .aborting
            case .draining, .aborting, .ended: break
            }
            state.wake()
            return []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the thread has ended and is joined.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isOver: Bool = state.withLock { state in
                guard state.phase != .ended else { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
        let thread = state.withLock { state in
            defer { state.thread = nil }
            return state.phase == .ended ? state.thread : nil
        }
        // Ending was the thread's last act, so this does not wait.
        if let thread { pthread_join(thread, nil) }
    }

    // MARK: - For the thread

    func takeWork() -> Work {
        state.withLock { state in
            defer {
                state.jobs.removeAll(keepingCapacity: true)
                state.cancellations.removeAll(keepingCapacity: true)
                state.unpauses.removeAll(keepingCapacity: true)
            }
            return Work(
                jobs: state.jobs, cancellations: state.cancellations, unpauses: state.unpauses, phase: state.phase)
        }
    }

    func finish(_ job: CurlJob, with result: HTTPResult, cancelled: Bool = false) {
        state.withLock { state in
            state.entries[job.id] = nil
            state.submittedCount -= 1
            if cancelled { state.counters.cancelled += 1 }
            if case .response = result { state.counters.answered += 1 } else { state.counters.failed += 1 }
        }
        job.finish(with: result)
    }

    /// From here on nobody wakes the multi handle, so the thread may free it.
    ///
    /// Jobs that came in meanwhile are returned.
    func detachMulti() -> [CurlJob] {
        state.withLock { state in
            state.multi = nil
            defer { state.jobs = [] }
            return state.jobs
        }
    }

    func threadEnded() {
        let waiters = state.withLock { state in
            state.phase = .ended
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private static let globalInit: CURLcode = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
}

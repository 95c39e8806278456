import Probing
import Synchronization
import Telemetry

/// The bounded buffer between the thread, which puts parts in, and the one task that takes them out.
final class CurlStream: Sendable {
    /// What comes out next.
    enum Next {
        /// A part; `isPaused` says that the transfer waits until this part is done with.
        case part(HTTPStreamPart, isPaused: Bool)
        /// Nothing more, and why when it broke off.
        case end(HTTPFailure?)
    }

    private struct State {
        var head: HTTPStreamPart?
        var isHeadTaken = false
        var buffer: [UInt8] = []
        var isPaused = false
        var isEnded = false
        var failure: HTTPFailure?
        var waiter: CheckedContinuation<Next, Never>?

        /// The next thing to hand out, or nil when the taker has to wait.
        mutating func take() -> Next? {
            if let head, !isHeadTaken {
                isHeadTaken = true
                return .part(head, isPaused: false)
            }
            if !buffer.isEmpty {
                defer { buffer = [] }
                return .part(.chunk(buffer), isPaused: isPaused)
            }
            return isEnded ? .end(failure) : nil
        }
    }

    let idleTimeout: Duration
    private let bufferBytesMax: Int
    private let state = Mutex(State())

    init(_ limits: HTTPStreamLimits) {
        idleTimeout = limits.idleTimeout
        bufferBytesMax = limits.bufferBytesMax
    }

    /// For the task: the next part or the end.
    func next() async -> Next {
        await withCheckedContinuation { continuation in
            let ready: Next? = state.withLock { state in
                if let next = state.take() { return next }
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    // MARK: - For the thread

    /// Takes the head; one that came before wins, since trailers look like one.
    func putHead(status: Int, headers: [Label]) {
        put { state in
            if state.head == nil { state.head = .head(status: status, headers: headers) }
        }
    }

    /// Takes bytes, or returns false when the transfer has to pause: they come again then.
    func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var isTaken = true
        put { state in
            if state.buffer.isEmpty || state.buffer.count + bytes.count <= bufferBytesMax {
                state.buffer.append(contentsOf: bytes)
            } else {
                state.isPaused = true
                isTaken = false
            }
        }
        return isTaken
    }

    /// Whether the transfer waits for its receiver, so that silence is our own doing.
    var isPaused: Bool { state.withLock { $0.isPaused } }

    /// The transfer goes on; only the thread says so, or else silence of our making would count as the peer's.
    func unpaused() {
        state.withLock { $0.isPaused = false }
    }

    func end(_ failure: HTTPFailure?) {
        put { state in
            state.isEnded = true
            state.failure = failure
        }
    }

    private func put(_ change: (inout State) -> Void) {
        let waiting: (CheckedContinuation<Next, Never>, Next)? = state.withLock { state in
            change(&state)
            guard let waiter = state.waiter, let next = state.take() else { return nil }
            state.waiter = nil
            return (waiter, next)
        }
        if let (waiter, next) = waiting { waiter.resume(returning: next) }
    }
}

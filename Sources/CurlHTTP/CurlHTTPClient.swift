package import Probing

/// The only user of libcurl: every request of the agent runs on one multi handle on one thread of its own.
///
/// A dead host, a dead name server or a silent port delays no other request: nothing on that thread blocks. The thread
/// starts with the first request or with `run()`, whichever is first, and is joined by `shutdown()` or when `run()` is
/// cancelled.
package final class CurlHTTPClient: HTTPFetching, HTTPStreaming {
    /// Limits of a client.
    package struct Configuration: Sendable, Hashable {
        /// Requests that may be under way at once, 1...4096, default 256.
        ///
        /// One more is refused with `FailureClass.internal`.
        package var transfersMax: Int
        /// Idle connections kept for reuse, 1...1024, default 64; the oldest is closed first.
        package var idleConnectionsMax: Int

        /// Makes limits; values out of range are brought into it.
        package init(transfersMax: Int = 256, idleConnectionsMax: Int = 64) {
            self.transfersMax = min(max(transfersMax, 1), 4096)
            self.idleConnectionsMax = min(max(idleConnectionsMax, 1), 1024)
        }
    }

    /// What a client counted since it was made.
    package struct Counters: Sendable, Hashable {
        /// Requests taken.
        package var accepted: UInt64 = 0
        /// Requests refused since `transfersMax` were under way, or since the client was shut down.
        package var refused: UInt64 = 0
        /// Requests ended because their task was cancelled.
        package var cancelled: UInt64 = 0
        /// Requests that got an answer.
        package var answered: UInt64 = 0
        /// Requests that failed, cancelled ones included.
        package var failed: UInt64 = 0

        /// Makes counters at zero.
        package init() {}
    }

    private let queue: CurlQueue

    /// Makes a client that is idle until its first request.
    package init(_ configuration: Configuration = Configuration()) {
        queue = CurlQueue(configuration)
    }

    /// Fetches once; see `HTTPFetching`.
    ///
    /// Cancelling the task ends the transfer with `FailureClass.internal`.
    package func fetch(_ request: HTTPRequest) async -> HTTPResult {
        await whole(request, mail: nil)
    }

    /// Hands a mail to a server; see `Mail`.
    ///
    /// The answer's status is the server's last SMTP code: 2xx when it took the mail, 4xx when a later try may help,
    /// 5xx when it never will. Never throws; returns by `mail.totalTimeout` at the latest.
    package func send(_ mail: Mail) async -> HTTPResult {
        await whole(mail.request, mail: mail)
    }

    private func whole(_ request: HTTPRequest, mail: Mail?) async -> HTTPResult {
        let id = queue.reserve()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.submit(CurlJob(id: id, request: request, mail: mail, receiver: .whole(continuation)))
            }
        } onCancel: {
            queue.cancel(id)
        }
    }

    /// Hands out an answer as it comes; see `HTTPStreaming`.
    ///
    /// Compressed answers are not asked for.
    package func stream(
        _ request: HTTPRequest, limits: HTTPStreamLimits, receive: (HTTPStreamPart) async -> Bool
    ) async -> HTTPFailure? {
        let id = queue.reserve()
        let stream = CurlStream(limits)
        return await withTaskCancellationHandler {
            queue.submit(CurlJob(id: id, request: request, receiver: .stream(stream)))
            var wantsMore = true
            while true {
                switch await stream.next() {
                case .end(let failure): return wantsMore ? failure : nil
                case .part(let part, let isPaused):
                    if wantsMore, await !receive(part) {
                        wantsMore = false
                        queue.cancel(id)
                    } else if isPaused {
                        queue.unpause(id)
                    }
                }
            }
        } onCancel: {
            queue.cancel(id)
        }
    }

    /// Serves until `shutdown()` is called, or until the task is cancelled: then every transfer under way ends at once.
    package func run() async {
        queue.start()
        await withTaskCancellationHandler {
            await queue.ended()
        } onCancel: {
            queue.stop(.aborting)
        }
    }

    /// Refuses new requests, waits for those under way (each ends by its own timeout), and joins the thread.
    package func shutdown() async {
        queue.stop(.draining)
        await queue.ended()
    }

    /// What was counted so far.
    package var counters: Counters { queue.counters }

    /// Requests under way.
    package var transfersCount: Int { queue.transfersCount }
}

/// One request on its way to the thread.
struct CurlJob: Sendable {
    var id: UInt64
    var request: HTTPRequest
    /// What a mail needs beside; nil for HTTP.
    var mail: Mail?
    var receiver: Receiver

    /// Who gets what comes.
    enum Receiver: Sendable {
        /// One task, everything at once.
        case whole(CheckedContinuation<HTTPResult, Never>)
        /// One task, piece by piece.
        case stream(CurlStream)
    }

    /// Hands over how it ended.
    func finish(with result: HTTPResult) {
        switch (receiver, result) {
        case (.whole(let continuation), _): continuation.resume(returning: result)
        case (.stream(let stream), .failure(let failure)): stream.end(failure)
        case (.stream(let stream), .response(let response)):
            stream.putHead(status: response.status, headers: response.headers)
            stream.end(nil)
        }
    }
}

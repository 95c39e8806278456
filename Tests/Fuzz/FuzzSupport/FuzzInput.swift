import Dispatch
import Foundation
package import Probing
import Synchronization

/// What all harnesses share: an input cut into parts, a canary, and a way into code that is `async`.
package enum Fuzz {
    /// With `TOCSIN_FUZZ_CANARY` in the environment a harness must crash once its parser has gone deep: proof that the
    /// fuzzer gets there and that a crash is seen.
    package static let hasCanary = ProcessInfo.processInfo.environment["TOCSIN_FUZZ_CANARY"] != nil

    /// Crashes when there is a canary.
    package static func canary(_ isReached: Bool) {
        if hasCanary, isReached { fatalError("canary") }
    }

    /// The input, copied, so that a read beyond it is one beyond an allocation.
    package static func bytes(_ start: UnsafePointer<UInt8>?, _ size: Int) -> [UInt8] {
        [UInt8](UnsafeBufferPointer(start: start, count: size))
    }

    /// The parts between bytes 0xFF, which stand in no UTF-8 text; at most `countMax`.
    package static func parts(_ bytes: [UInt8], countMax: Int) -> [[UInt8]] {
        bytes.split(separator: 0xFF, maxSplits: countMax - 1, omittingEmptySubsequences: false).map { Array($0) }
    }

    /// Runs `body` to its end on the cooperative pool; the fuzzer's thread waits.
    package static func run(_ body: @escaping @Sendable () async -> Void) {
        let done = DispatchSemaphore(value: 0)
        // Ends with `body`, which the caller waits for.
        Task {
            await body()
            done.signal()
        }
        done.wait()
    }
}

/// Answers requests with the parts of an input, by turns.
package final class FuzzedServer: HTTPFetching {
    /// What it answers with, by turns.
    package let bodies: [[UInt8]]
    private let asked = Mutex(0)

    /// Makes a server of at least one body.
    package init(bodies: [[UInt8]]) {
        self.bodies = bodies.isEmpty ? [[]] : bodies
    }

    package func fetch(_ request: HTTPRequest) async -> HTTPResult {
        let turn = asked.withLock { asked -> Int in
            asked += 1
            return asked - 1
        }
        let body = bodies[turn % bodies.count]
        return .response(HTTPResponse(status: 200, headers: [], body: body, duration: .milliseconds(1)))
    }
}

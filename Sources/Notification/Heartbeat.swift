package import Probing
import Runbook
package import Telemetry

/// The watchdog's sign of life: a POST that somebody outside misses when it does not come.
///
/// A process that runs is not one that works: the sign is sent only when everything that must move has moved since the
/// last one.
package struct Heartbeat: Sendable {
    /// What must move, as counters that rise.
    package struct Progress: Hashable, Sendable {
        /// Frames that ingest made durable.
        package var ingest: UInt64
        /// Signal points that detectors judged.
        package var detectors: UInt64
        /// Rounds of the outbox.
        package var outbox: UInt64

        /// Makes a reading.
        package init(ingest: UInt64, detectors: UInt64, outbox: UInt64) {
            self.ingest = ingest
            self.detectors = detectors
            self.outbox = outbox
        }

        /// Names of what has not moved since `earlier`.
        package func stuck(since earlier: Progress) -> [String] {
            var names: [String] = []
            if ingest <= earlier.ingest { names.append("ingest") }
            if detectors <= earlier.detectors { names.append("detectors") }
            if outbox <= earlier.outbox { names.append("outbox") }
            return names
        }
    }

    /// What came of one beat.
    package enum Beat: Hashable, Sendable {
        /// The receiver took it.
        case sent
        /// Something has not moved, so none was sent.
        case withheld(stuck: [String])
        /// It did not get through.
        case failed(reason: String)
    }

    private let url: Secret
    private let post: HTTPPost
    private var last: Progress

    private struct Message: Encodable {
        var at: String
        var ingest: UInt64
        var detectors: UInt64
        var outbox: UInt64
    }

    /// Makes a heartbeat; the first beat needs progress beyond `start`.
    package init(
        url: @escaping Secret, http: any HTTPFetching, trust: HTTPRequest.Trust = .system,
        timeout: Duration = .seconds(10), start: Progress
    ) {
        self.url = url
        post = HTTPPost(http: http, trust: trust, timeout: timeout)
        last = start
    }

    /// Sends one sign unless something stands still.
    package mutating func beat(_ progress: Progress, at now: Timestamp) async -> Beat {
        let stuck = progress.stuck(since: last)
        // What stood still must move from where it stands now; the reading is renewed either way.
        last = progress
        guard stuck.isEmpty else { return .withheld(stuck: stuck) }
        do throws(SecretProblem) {
            let message = Message(
                at: JSONText.time(now), ingest: progress.ingest, detectors: progress.detectors, outbox: progress.outbox)
            switch await post(JSONText.encode(message), to: try url()) {
            case .delivered: return .sent
            case .failed(let reason, _), .rejected(let reason): return .failed(reason: reason)
            }
        } catch {
            return .failed(reason: error.message)
        }
    }
}

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import SampleCodec
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto
import TocsinTestKit

/// How long honest agents wait from a frame that they send to its acknowledgement, which is when it is durable.
struct AckDelay: Sendable {
    /// A frame a node in this interval.
    static let interval: Duration = .milliseconds(40)

    /// One agent's frames, between the task that sends and the one that reads.
    private final class Ledger: Sendable {
        struct State {
            var sentAt: [UInt64: ContinuousClock.Instant] = [:]
            var delays: [Duration] = []
            var sent: UInt64 = 0
            var durable: UInt64 = 0
            var isEnding = false
        }

        let state = Mutex(State())

        var isEnding: Bool { state.withLock { $0.isEnding } }
        var isDurable: Bool { state.withLock { $0.durable == $0.sent } }

        func sends(_ sequence: UInt64) {
            state.withLock {
                $0.sentAt[sequence] = .now
                $0.sent = sequence
            }
        }

        func durable(through durable: UInt64) {
            state.withLock { state in
                guard durable > state.durable else { return }
                for sequence in state.durable + 1...durable {
                    guard let sentAt = state.sentAt.removeValue(forKey: sequence) else { continue }
                    state.delays.append(ContinuousClock.now - sentAt)
                }
                state.durable = durable
            }
        }
    }

    /// What was measured.
    struct Figures: Sendable, CustomStringConvertible {
        var delays: [Duration]
        /// Frames that were never acknowledged.
        var missing: Int

        /// The delay that this share of the frames kept below.
        func quantile(_ share: Double) -> Duration {
            let sorted = delays.sorted()
            return sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }

        var description: String {
            func millis(_ duration: Duration) -> String {
                (duration / .milliseconds(1)).formatted(.number.precision(.fractionLength(1)))
            }
            return "p50 \(millis(quantile(0.5))) ms, p99 \(millis(quantile(0.99))) ms, max \(millis(quantile(1))) ms"
                + " of \(delays.count) frames"
        }
    }

    let lab: TocsinLab
    let nodes: [String]

    /// Sends while `body` runs, and waits at most ten seconds for what is then on its way.
    func during(_ body: @Sendable () async throws -> Void) async throws -> Figures {
        let ledgers = nodes.map { _ in Ledger() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (node, ledger) in zip(nodes, ledgers) {
                group.addTask { try await agent(node, ledger) }
            }
            try await body()
            for ledger in ledgers { ledger.state.withLock { $0.isEnding = true } }
            try await group.waitForAll()
        }
        let ended = ledgers.map { $0.state.withLock { $0 } }
        return Figures(
            delays: ended.flatMap(\.delays), missing: ended.reduce(0) { $0 + Int($1.sent - $1.durable) })
    }

    private func agent(_ node: String, _ ledger: Ledger) async throws {
        let raw = RawAgent(lab: lab, node: node)
        try await withGRPCClient(transport: raw.transport()) { client in
            try await Tocsin_V1_Ingest.Client(wrapping: client).connect { writer in
                try await writer.write(raw.hello(last: 0, session: UInt8.random(in: 10...250)))
                let start = ContinuousClock.now
                var sequence: UInt64 = 0
                while !ledger.isEnding {
                    sequence += 1
                    let sample = Sample(
                        Series("delay_test", ["node": node]), Timestamp(seconds: Date().timeIntervalSince1970),
                        Double(sequence))
                    let frame = RawAgent.frame(sequence, try SampleBlockEncoder().encode([sample]))
                    ledger.sends(sequence)
                    try await writer.write(frame)
                    // The pace is the clock's, whatever the coordinator takes to answer: a delay must not hide itself.
                    try await Task.sleep(until: start + Self.interval * Int(sequence), clock: .continuous)
                }
                let end = ContinuousClock.now + .seconds(10)
                while ContinuousClock.now < end, !ledger.isDurable {
                    try await Task.sleep(for: .milliseconds(10))
                }
            } onResponse: { response in
                for try await message in response.messages where message.ack.durableSequence > 0 {
                    ledger.durable(through: message.ack.durableSequence)
                }
            }
        }
    }
}

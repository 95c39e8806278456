import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import SampleCodec
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// When a frame becomes durable: with the others that come about then, or at once where somebody may be called.
@Suite(.serialized)
struct TransactionTests {
    /// Of the store writer: from one transaction to the next.
    private static let apart: Duration = .milliseconds(100)

    @Test("Frames that come within a tenth of a second share a transaction, whatever their number")
    func frames() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        _ = try await agent.exchange([agent.hello(last: 0)]) { !$0.answers.isEmpty }
        let (before, begin) = (try await lab.counter("store_commits_total"), ContinuousClock.now)
        let figures = try await AckDelay(lab: lab.lab, nodes: ["node-a"]).during {
            try await Task.sleep(for: .seconds(3))
        }
        let elapsed = ContinuousClock.now - begin
        let commits = try await lab.counter("store_commits_total") - before
        #expect(figures.missing == 0)
        #expect(commits > 0 && commits <= Int(elapsed / Self.apart) + 2, "\(commits) in \(elapsed)")
        #expect(try await lab.counter("frames_stored_total") == figures.delays.count)
        try await coordinator.terminate()
    }

    @Test("An edge waits for no transaction of others")
    func edges() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let samples = try await pauses(in: lab) { sequence in
            let sample = Sample(
                Series("transaction_test", ["node": "node-a"]), Timestamp(seconds: Date().timeIntervalSince1970), 1)
            return RawAgent.frame(sequence, try SampleBlockEncoder().encode([sample]))
        }
        let edges = try await pauses(in: lab) { sequence in
            .with {
                $0.frame.sequence = sequence
                $0.frame.lane = .fresh
                $0.frame.edgeBatch.edges = [
                    .with {
                        $0.kind = Edge.Kind.containerRestarted.rawValue
                        $0.atMillis = Int64(Date().timeIntervalSince1970 * 1000)
                        $0.count = 1
                    }
                ]
            }
        }
        // Other work on the machine delays one acknowledgement or another, never all of them, and hastens none.
        #expect(samples.mean >= Self.apart - .milliseconds(10), "\(samples)")
        #expect(edges.least < Self.apart - .milliseconds(20), "\(edges)")
        try await coordinator.terminate()
    }

    /// Sends ten frames, each when the one before is acknowledged; the times from an acknowledgement to the next.
    private func pauses(
        in lab: FeedLab, _ frame: @Sendable @escaping (UInt64) throws -> Tocsin_V1_AgentMessage
    ) async throws -> (least: Duration, mean: Duration) {
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        let (acknowledged, told) = AsyncStream<UInt64>.makeStream()
        return try await withGRPCClient(transport: agent.transport()) { client in
            try await withThrowingTaskGroup(of: [Duration].self) { group in
                group.addTask {
                    try await Tocsin_V1_Ingest.Client(wrapping: client).connect { writer in
                        try await writer.write(agent.hello(last: 0, session: UInt8.random(in: 10...250)))
                        var next: UInt64 = 1
                        try await writer.write(try frame(next))
                        for await durable in acknowledged where durable == next {
                            next += 1
                            if next <= 10 { try await writer.write(try frame(next)) }
                        }
                    } onResponse: { response in
                        var times: [ContinuousClock.Instant] = []
                        for try await message in response.messages where message.ack.durableSequence > 0 {
                            times.append(.now)
                            told.yield(message.ack.durableSequence)
                            if times.count == 10 { break }
                        }
                        told.finish()
                        return zip(times, times.dropFirst()).map { $1 - $0 }
                    }
                }
                defer { group.cancelAll() }
                let pauses = try #require(try await group.next())
                return (try #require(pauses.min()), pauses.reduce(.zero, +) / max(1, pauses.count))
            }
        }
    }
}

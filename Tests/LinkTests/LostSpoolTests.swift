import AgentApp
import Foundation
import SampleCodec
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// Spools that do not come back, with real processes: what was in them is told, as far as anybody knows.
@Suite(.serialized)
struct LostSpoolTests {
    private let time = Timestamp(seconds: Date().timeIntervalSince1970)

    private func sample(_ value: Double) -> Sample {
        Sample(Series("lost_spool_test", ["node": "node-a"]), time, value)
    }

    private func missing(_ lab: FeedLab) async throws -> [String] {
        try await lab.lab.tocsin(["query", "lost_spool_test"]).lines.filter { $0.contains("are missing") }
    }

    @Test("A spool that is gone is a gap up to what the new one holds")
    func goneWithoutAWord() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        for (spool, expected) in [("first", 1), ("second", 2)] {
            let feed = try await lab.feed(spool: spool)
            let link = Task { try await feed.run() }
            await feed.record([sample(1)])
            let isStored = try await lab.lab.eventually(within: .seconds(20)) {
                await feed.unacknowledged == 0 ? true : nil
            }
            #expect(isStored == true)
            link.cancel()
            try? await link.value
            #expect(try await missing(lab).count == expected - 1)
        }
        #expect(try await missing(lab).first?.contains("the agent's spool is gone, with what it had not sent") == true)
        try await coordinator.terminate()
    }

    @Test("Losses that no agent can have had are bounded, and disturb nobody")
    func impossibleLosses() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        var hello = agent.hello(first: 9, last: 8)
        hello.hello.heldFromMillis = .max
        hello.hello.losses = (1...200).map { number in
            .with {
                $0.first = 1
                $0.last = number % 2 == 0 ? 8 : .max >> 1
                $0.samples = .max
                $0.minMillis = number % 3 == 0 ? .min : 1
                $0.maxMillis = number % 5 == 0 ? .max : 1
            }
        }
        let outcome = try await agent.exchange([hello]) { !$0.answers.isEmpty }
        #expect(outcome.answers.first?.welcome.durableSequence == 8)
        let counted = try await lab.counter("samples_lost_total")
        #expect(counted > 0 && counted <= 100 << 40)
        #expect(try await lab.lab.tocsin(["query", "lost_spool_test"]).exit == .code(0))
        try await coordinator.terminate()
    }

    @Test("What an agent said it could not send is lost, with its count and time, when its spool does not come back")
    func goneWithItsLastWord() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        let frame = RawAgent.frame(1, try SampleBlockEncoder().encode([sample(1)]))
        let farewell = Tocsin_V1_AgentMessage.with {
            $0.heartbeat.sentAtMillis = time.millis
            $0.heartbeat.leaving = true
            $0.heartbeat.unsent.first = 2
            $0.heartbeat.unsent.last = 4
            $0.heartbeat.unsent.samples = 33
            $0.heartbeat.unsent.minMillis = time.millis - 2000
            $0.heartbeat.unsent.maxMillis = time.millis - 1000
        }
        // The frame behind it is answered when it was taken.
        let last = RawAgent.frame(2, try SampleBlockEncoder().encode([sample(2)]))
        let outcome = try await agent.exchange([agent.hello(last: 2), frame, farewell, last]) { ($0.durable ?? 0) == 2 }
        #expect(outcome.error == nil)
        #expect(try await lab.counter("samples_lost_total") == 0)
        _ = try await agent.exchange([agent.hello(last: 0, session: 9)]) { !$0.answers.isEmpty }
        #expect(try await lab.counter("samples_lost_total") == 33)
        let told = try await missing(lab)
        #expect(told.count == 1)
        #expect(
            told.first?.contains("before it could send them, and its spool is gone (33 samples)") == true, "\(told)")
        try await coordinator.terminate()
    }
}

import AgentApp
import Foundation
import GRPCCore
import IngestWire
import SampleCodec
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// What a coordinator process does with agents that are older than it, or mean harm.
@Suite(.serialized)
struct ContractTests {
    private func samples(_ number: Int) -> [Sample] {
        let now = Timestamp(seconds: Date().timeIntervalSince1970)
        return [
            Sample(Series("contract_test", ["node": "node-a"]), now - .seconds(100 - number), Double(number)),
            Sample(Series("contract_other", ["node": "node-a"]), now - .seconds(100 - number), .nan),
        ]
    }

    @Test("An agent of the previous version is understood: no capabilities, blocks that stand alone")
    func previousAgent() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        let frames = try (1...3).map { try RawAgent.frame(UInt64($0), SampleBlockEncoder().encode(samples($0))) }
        let outcome = try await agent.exchange([agent.hello(last: 3)] + frames) { $0.durable == 3 }
        let welcome = try #require(outcome.answers.first).welcome
        #expect(welcome.durableSequence == 0 && welcome.ackWindow > 0)
        #expect(welcome.capabilities.isEmpty && welcome.durableAhead.isEmpty)
        #expect(outcome.answers.allSatisfy { $0.ack.freshSequence == 0 })
        #expect(try await lab.times("contract_test").count == 3)
        // The same agent, updated: its old session goes on with chains.
        var encoder = SampleBlockChainEncoder()
        let chained = try (4...6).map { try RawAgent.frame(UInt64($0), encoder.encode(samples($0))) }
        let names = LinkCapability.names(of: LinkCapability.supported)
        let later = try await agent.exchange([agent.hello(last: 6, capabilities: names)] + chained) { $0.durable == 6 }
        #expect(later.answers.first?.welcome.durableSequence == 3)
        #expect(later.answers.first?.welcome.capabilities == names)
        #expect(try await lab.times("contract_test").count == 6)
        try await coordinator.terminate()
    }

    @Test("A block that builds on one that was not sent asks for a new chain, and nothing of it is stored")
    func brokenChain() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        var encoder = SampleBlockChainEncoder()
        let blocks = try (1...3).map { try encoder.encode(samples($0)) }
        let outcome = try await agent.exchange(
            [agent.hello(last: 2, capabilities: ["sample-block-2"]), RawAgent.frame(1, blocks[0])]
                + [RawAgent.frame(2, blocks[2])]
        ) { _ in false }
        #expect(outcome.error == .failedPrecondition)
        let isStored = try await lab.lab.eventually(within: .seconds(20)) {
            try await lab.times("contract_test").isEmpty ? nil : true
        }
        #expect(isStored == true, "the frame before it counts")
        #expect(try await lab.times("contract_test").count == 1)
        try await coordinator.terminate()
    }

    /// A block of version 1 whose payload of a few bytes claims to inflate to 16 MiB.
    private var bomb: [UInt8] {
        get throws {
            var block = try SampleBlockEncoder().encode(samples(1))
            block.removeLast(4)
            block.replaceSubrange(32..<36, with: [0, 0, 0, 1])
            block[5] |= 1
            return block + withUnsafeBytes(of: CRC32.checksum(block).littleEndian) { Array($0) }
        }
    }

    @Test("A frame that no coordinator takes is given up, declared and counted, and holds up nothing after it")
    func refusedFrame() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let feed = try await lab.feed()
        let time = Timestamp(seconds: Date().timeIntervalSince1970)
        await feed.record(samples(1))
        try await feed.record(block: Array(repeating: 0xA5, count: 900), samples: 12, at: time)
        await feed.record(samples(2))
        await feed.record(samples(3))
        let link = Task { try await feed.run() }
        let isDelivered = try await lab.lab.eventually(within: .seconds(60)) {
            await feed.unacknowledged == 0 ? true : nil
        }
        #expect(isDelivered == true)
        #expect(try await lab.times("contract_test").count == 3)
        #expect(try await lab.counter("frames_rejected_total") == 2, "refused twice, and then given up")
        #expect(await feed.lostSamples == 12)
        #expect(try await lab.counter("samples_lost_total") == 12)
        let answer = try await lab.lab.tocsin(["query", "contract_test"])
        let moment = "\(time.rfc3339) to \(time.rfc3339)"
        #expect(
            answer.text.contains(
                "samples of node-a from \(moment) are missing: the coordinator refused them (12 samples)"),
            "\(answer.text)")
        link.cancel()
        try? await link.value
        try await coordinator.terminate()
    }

    @Test("Harmful frames end their own stream, are counted, and disturb no other agent")
    func hostileFrames() async throws {
        let lab = try await FeedLab(nodes: ["node-a", "node-b"])
        let coordinator = try await lab.lab.startCoordinator()
        let honest = try await lab.feed(node: "node-b")
        let link = Task { try await honest.run() }
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        var encoder = SampleBlockChainEncoder(limits: SampleBlockLimits(series: 70_000))
        let wide = try encoder.encode(
            (0..<60_000).map { Sample(Series("wide", ["n": "\($0)"]), Timestamp(millis: 1), 0) })
        let sound = try SampleBlockEncoder().encode(samples(1))
        var flipped = sound
        flipped[sound.count / 2] ^= 0x10
        let harmful: [(String, [UInt8])] = [
            ("garbage", Array(repeating: 0xA5, count: 900)), ("nothing", []), ("one flipped bit", flipped),
            ("cut short", Array(sound.dropLast(5))), ("a bomb", try bomb), ("a dictionary too large", wide),
            ("a message too large", Array(repeating: 0, count: 5 << 20)),
        ]
        for (number, (name, block)) in harmful.enumerated() {
            let before = try await lab.counter("frames_rejected_total")
            let outcome = try await agent.exchange([agent.hello(last: 1), RawAgent.frame(1, block)]) { _ in false }
            #expect(outcome.error != nil, "\(name) ends the stream")
            #expect(outcome.durable == nil, "\(name) is not acknowledged")
            // The transport itself refuses the last one.
            if block.count < 4 << 20 {
                #expect(outcome.error == .invalidArgument || outcome.error == .resourceExhausted, "\(name)")
                #expect(try await lab.counter("frames_rejected_total") == before + 1, "\(name) is counted")
            }
            await honest.record([
                Sample(
                    Series("honest", ["node": "node-b"]), Timestamp(seconds: Date().timeIntervalSince1970),
                    Double(number))
            ])
        }
        let arrived = try await lab.lab.eventually(within: .seconds(30)) {
            try await lab.times("honest").count == harmful.count ? true : nil
        }
        #expect(arrived == true, "the other agent's samples are all there")
        #expect(try await lab.times("contract_test").isEmpty)
        link.cancel()
        try? await link.value
        try await coordinator.terminate()
    }
}

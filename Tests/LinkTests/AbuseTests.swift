import Foundation
import GRPCCore
import NIOSSL
import SampleCodec
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// What clients do who mean harm or lost their way: each attack is bounded, counted, and reaches no other agent.
///
/// Each prints how long other agents waited for their acknowledgements without and with it.
@Suite(.serialized)
struct AbuseTests {
    private static let victims = ["node-b", "node-c", "node-d"]
    private static let quietFor: Duration = .seconds(4)

    private let feed: FeedLab
    private let lab: TocsinLab

    init() async throws {
        feed = try await FeedLab(
            nodes: ["node-a"] + Self.victims,
            more: "limits: {newConnections: 64, connectionsPerClient: 6, callsPerClient: 8, firstCallWithin: 2s}")
        lab = feed.lab
    }

    /// Runs an attack beside honest agents and holds their delays against those of a quiet time just before.
    private func attack(_ name: String, _ body: @Sendable () async throws -> Void) async throws {
        let delay = AckDelay(lab: lab, nodes: Self.victims)
        let quiet = try await delay.during { try await Task.sleep(for: Self.quietFor) }
        let under = try await delay.during(body)
        Self.tell("\(name): without: \(quiet); with: \(under)")
        #expect(quiet.missing == 0 && under.missing == 0, "every honest frame is acknowledged")
        // Half of the frames wait as they do without; of the others one that falls into a pause of a busy machine,
        // which shares its cores with other tests, must not fail this.
        #expect(under.quantile(0.5) < max(.milliseconds(100), quiet.quantile(0.5) * 3), "half of the frames: \(under)")
        #expect(under.quantile(0.99) < max(.milliseconds(500), quiet.quantile(0.99) * 3), "nearly all: \(under)")
        #expect(try await lab.tocsin(["status"]).exit == .code(0), "people get through as well")
    }

    private static func tell(_ text: String) {
        FileHandle.standardOutput.write(Data("abuse: \(text)\n".utf8))
    }

    private func counter(_ name: String, reaches count: Int) async throws -> Bool {
        try await lab.eventually(within: .seconds(15)) {
            try await feed.counter(name) >= count ? true : nil
        } == true
    }

    @Test("Connections that never finish a handshake make room for others and end in time")
    func stalledHandshakes() async throws {
        let coordinator = try await lab.startCoordinator()
        try await attack("handshakes never finished") { [lab] in
            let end = ContinuousClock.now + .seconds(5)
            var stalled: [RawConnection] = []
            while ContinuousClock.now < end {
                for number in 0..<20 {
                    let connection = try await RawConnection(lab: lab)
                    // Half say nothing at all, half begin a ClientHello that never ends.
                    if number.isMultiple(of: 2) { await connection.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]) }
                    stalled.append(connection)
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            for connection in stalled { #expect(await connection.isClosed(within: .seconds(5))) }
        }
        #expect(try await counter("handshakes_displaced_total", reaches: 300))
        #expect(try await counter("handshakes_overdue_total", reaches: 30))
        try await coordinator.terminate()
    }

    @Test("A client that speaks no TLS 1.3 makes no call, whatever certificate it shows")
    func outdatedTLS() async throws {
        let coordinator = try await lab.startCoordinator()
        let before = ContinuousClock.now
        let outdated = try await RawConnection(lab: lab, as: "agent-node-a", newest: .tlsv12)
        await outdated.send(RawConnection.preface)
        #expect(await outdated.isClosed(within: .seconds(1)), "at once, not with those that make no call")
        #expect(ContinuousClock.now - before < .seconds(2))
        #expect(try await counter("handshakes_outdated_total", reaches: 1))
        let current = try await RawConnection(lab: lab, as: "agent-node-a", newest: .tlsv13)
        await current.send(RawConnection.preface)
        #expect(await !current.isClosed(within: .milliseconds(500)))
        #expect(try await feed.counter("handshakes_outdated_total") == 1)
        try await coordinator.terminate()
    }

    @Test("A client that makes no call, or writes a frame byte by byte, loses its connection in time")
    func slowClients() async throws {
        let coordinator = try await lab.startCoordinator()
        try await attack("HTTP/2 preface then nothing; frames byte by byte") { [lab] in
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<5 {
                    group.addTask {
                        let silent = try await RawConnection(lab: lab, as: "agent-node-a")
                        await silent.send(RawConnection.preface)
                        #expect(await silent.isClosed(within: .seconds(10)), "silent \(number)")
                    }
                }
                group.addTask {
                    let slow = try await RawConnection(lab: lab, as: "user-oncall")
                    await slow.send(RawConnection.preface)
                    let headers = RawConnection.frame(
                        type: 1, flags: 4, stream: 1, payload: Array(repeating: 0x82, count: 4000))
                    for byte in headers.prefix(60) where slow.isOpen {
                        await slow.send([byte])
                        try await Task.sleep(for: .milliseconds(100))
                    }
                    #expect(await slow.isClosed(within: .seconds(1)))
                }
            }
        }
        #expect(try await feed.counter("handshakes_overdue_total") >= 6)
        try await coordinator.terminate()
    }

    @Test("Bytes that are no HTTP/2, frames too large and floods of empty ones end their connection alone")
    func malformedFrames() async throws {
        let coordinator = try await lab.startCoordinator()
        let attacks: [(String, [UInt8])] = [
            ("no preface", Array(repeating: 0x41, count: 4000)),
            ("a frame beyond the largest", RawConnection.frame(type: 0, stream: 1, length: 1 << 20, payload: [0])),
            (
                "headers that are no HPACK",
                RawConnection.frame(type: 1, flags: 4, stream: 1, payload: [0xFF, 0xFF, 0xFF])
            ),
            ("data of a stream that is none", RawConnection.frame(type: 0, stream: 9, payload: [1, 2, 3])),
            (
                "headers without end",
                RawConnection.frame(type: 1, stream: 1, payload: [0x82])
                    + (0..<200).flatMap { _ in
                        RawConnection.frame(type: 9, stream: 1, payload: Array(repeating: 0x82, count: 100))
                    }
            ),
            (
                "settings without end",
                (0..<20_000).flatMap { _ in RawConnection.frame(type: 4, payload: [0, 3, 0, 0, 0, 9]) }
            ),
        ]
        try await attack("malformed and oversized HTTP/2") { [lab] in
            let end = ContinuousClock.now + .seconds(5)
            while ContinuousClock.now < end {
                for (name, bytes) in attacks {
                    let connection = try await RawConnection(lab: lab, as: "agent-node-a")
                    await connection.send(name == "no preface" ? bytes : RawConnection.preface + bytes)
                    #expect(await connection.isClosed(within: .seconds(8)), "\(name)")
                }
            }
        }
        #expect(try await feed.counter("connections_malformed_total") >= 20)
        try await coordinator.terminate()
    }

    @Test("One client has so many connections and calls, whatever it opens")
    func greedyClient() async throws {
        let coordinator = try await lab.startCoordinator()
        let agent = RawAgent(lab: lab, node: "node-a")
        try await attack("connections and streams of one client") { [lab] in
            var held: [RawConnection] = []
            for _ in 0..<30 {
                let connection = try await RawConnection(lab: lab, as: "agent-node-a")
                await connection.send(RawConnection.preface)
                held.append(connection)
            }
            for connection in held { #expect(await connection.isClosed(within: .seconds(8))) }
            // Calls of several connections: each alone is within what HTTP/2 lets it open.
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<2 { group.addTask { try await agent.callsRefused(of: 7) } }
                return try await group.reduce(0, +)
            }
            #expect(refused >= 14 - 8, "\(refused) calls were refused")
        }
        #expect(try await feed.counter("connections_displaced_total") >= 24)
        #expect(try await feed.counter("calls_refused_total") >= 6)
        #expect(try await feed.counter("hellos_overdue_total") >= 1)
        try await coordinator.terminate()
    }

    @Test("Hellos that are late, doubled, of another node, or shown by another holder change nothing")
    func hellos() async throws {
        let coordinator = try await lab.startCoordinator()
        let agent = RawAgent(lab: lab, node: "node-a")
        let now = Timestamp(seconds: Date().timeIntervalSince1970)
        let frame = RawAgent.frame(
            1, try SampleBlockEncoder().encode([Sample(Series("hello_test", ["node": "node-a"]), now, 1)]))
        let stored = try await agent.exchange([agent.hello(last: 1), frame]) { $0.durable == 1 }
        #expect(stored.durable == 1)
        try await attack("hellos doubled, replayed and of others") {
            let never: @Sendable (RawAgent.Outcome) -> Bool = { _ in false }
            let late = try await agent.exchange([], until: never)
            #expect(late.error == .invalidArgument && late.answers.isEmpty)
            for _ in 0..<20 {
                let twice = try await agent.exchange([agent.hello(last: 1), agent.hello(last: 1)], until: never)
                #expect(twice.error == .invalidArgument)
                let other = try await agent.exchange([agent.hello(last: 1), frame], as: "agent-node-b", until: never)
                #expect(other.error == .permissionDenied && other.answers.isEmpty, "another node's certificate")
                let person = try await agent.exchange([agent.hello(last: 1), frame], as: "user-oncall", until: never)
                #expect(person.error == .permissionDenied && person.answers.isEmpty, "another role's certificate")
                // The same bytes once more: what is durable stays, the frame is recognised.
                let again = try await agent.exchange([agent.hello(last: 1), frame]) { $0.durable == 1 }
                #expect(again.answers.first?.welcome.durableSequence == 1)
            }
        }
        #expect(try await feed.times("hello_test").count == 1, "stored once")
        #expect(try await feed.counter("hellos_overdue_total") >= 1)
        #expect(try await feed.counter("requests_denied_total") >= 20)
        #expect(try await feed.counter("frames_rejected_total") >= 40)
        #expect(try await feed.counter("frames_duplicate_total") >= 20)
        try await coordinator.terminate()
    }

    @Test("An agent that invents series without end fills its own quota and nothing else")
    func cardinalityFlood() async throws {
        let coordinator = try await lab.startCoordinator()
        let agent = RawAgent(lab: lab, node: "node-a")
        try await attack("new series without end") {
            var next = 0
            let end = ContinuousClock.now + .seconds(6)
            var sequence: UInt64 = 0
            while ContinuousClock.now < end {
                let now = Timestamp(seconds: Date().timeIntervalSince1970)
                let frames = try (1...8).map { _ in
                    sequence += 1
                    next += 2000
                    let samples = (next - 2000..<next).map {
                        Sample(Series("flood_\($0 % 50)", ["n": "\($0)"]), now, 1)
                    }
                    return RawAgent.frame(sequence, try SampleBlockEncoder().encode(samples))
                }
                let last = sequence
                let outcome = try await agent.exchange([agent.hello(first: last - 7, last: last)] + frames) {
                    $0.durable == last
                }
                #expect(outcome.durable == last, "what is left out is acknowledged: it must not come again")
            }
            Self.tell("\(next) series invented")
        }
        let left = try await feed.counter("samples_left_out_total")
        #expect(left > 0)
        let stored = try await feed.counter("samples_stored_total")
        #expect(stored < 40_000 + 3000, "the quota of an hour, and what honest agents sent")
        try await coordinator.terminate()
    }
}

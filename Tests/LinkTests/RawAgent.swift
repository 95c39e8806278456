import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto
import TocsinTestKit

/// An agent that sends exactly the messages it is given: an older one, or a hostile one.
struct RawAgent: Sendable {
    let lab: TocsinLab
    let node: String
    /// How it is let in; nil: with its node's certificate.
    var caller: RawCaller?

    /// What came back.
    struct Outcome: Sendable {
        var answers: [Tocsin_V1_CoordinatorMessage] = []
        /// How the coordinator ended the stream; nil when we did.
        var error: RPCError.Code?

        var durable: UInt64? { answers.last { $0.ack.durableSequence > 0 }?.ack.durableSequence }
    }

    /// Sends all messages and reads until `isEnough` or the end of the stream.
    ///
    /// - Parameter holder: whose certificate is shown in place of the node's.
    func exchange(
        _ messages: [Tocsin_V1_AgentMessage], as holder: String? = nil,
        until isEnough: @escaping @Sendable (Outcome) -> Bool
    ) async throws -> Outcome {
        let outcome = Mutex(Outcome())
        let metadata = caller?.metadata ?? [:]
        struct Enough: Error {}
        do {
            try await withGRPCClient(transport: transport(as: holder)) { client in
                try await Tocsin_V1_Ingest.Client(wrapping: client).connect(metadata: metadata) { writer in
                    for message in messages { try await writer.write(message) }
                    // The stream stays open until the answer is complete.
                    while true { try await Task.sleep(for: .seconds(3600)) }
                } onResponse: { response in
                    for try await message in response.messages {
                        let isDone = outcome.withLock { outcome in
                            outcome.answers.append(message)
                            return isEnough(outcome)
                        }
                        if isDone { throw Enough() }
                    }
                }
            }
        } catch let error as RPCError where !outcome.withLock({ isEnough($0) }) {
            outcome.withLock { $0.error = error.code }
        } catch {
            guard outcome.withLock({ isEnough($0) }) else { throw error }
        }
        return outcome.withLock { $0 }
    }

    /// Opens so many streams at a time on one connection, each without a word, and counts those that are refused.
    func callsRefused(of count: Int) async throws -> Int {
        try await withGRPCClient(transport: transport()) { client in
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        do {
                            try await Tocsin_V1_Ingest.Client(wrapping: client).connect { _ in
                                while true { try await Task.sleep(for: .seconds(3600)) }
                            } onResponse: { response in
                                for try await _ in response.messages {}
                            }
                            return false
                        } catch {
                            return (error as? RPCError)?.code == .resourceExhausted
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }
    }

    /// A transport that shows the node's certificate, or that of another holder, or what the caller has instead.
    func transport(as holder: String? = nil) throws -> HTTP2ClientTransport.Posix {
        let name = holder ?? "agent-\(node)"
        return try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: caller?.port ?? lab.port),
            transportSecurity: caller?.security
                ?? .mTLS(
                    certificateChain: [.file(path: lab.path("tls/\(name).crt"), format: .pem)],
                    privateKey: .file(path: lab.path("tls/\(name).key"), format: .pem)
                ) {
                    $0.trustRoots = .certificates([.file(path: lab.path("tls/ca.crt"), format: .pem)])
                })
    }

    /// The first message of an agent without capabilities.
    func hello(
        first: UInt64 = 1, last: UInt64, capabilities: [String] = [], session: UInt8 = 7
    ) -> Tocsin_V1_AgentMessage {
        .with {
            $0.hello = .with {
                $0.cluster = lab.cluster
                $0.node = node
                $0.version = "0.1.0"
                $0.session = Data(repeating: session, count: 16)
                $0.boot = Data(repeating: 8, count: 16)
                $0.firstSequence = first
                $0.lastSequence = last
                $0.sentAtMillis = Int64(Date().timeIntervalSince1970 * 1000)
                $0.capabilities = capabilities
            }
        }
    }

    static func frame(_ sequence: UInt64, _ block: [UInt8]) -> Tocsin_V1_AgentMessage {
        .with {
            $0.frame = .with {
                $0.sequence = sequence
                $0.lane = .fresh
                $0.sampleBlock = Data(block)
            }
        }
    }
}

import GRPCCore
import GRPCNIOTransportHTTP2
import SwiftProtobuf
import Synchronization
import TocsinProto
import TocsinTestKit

/// A coordinator of before capabilities, over real TLS: it takes one lane of frames in the order of their sequences,
/// knows nothing of what came later, and keeps the bytes of every message.
final class OlderCoordinator: Tocsin_V1_Ingest.SimpleServiceProtocol, TestCoordinator {
    struct State {
        /// The messages of each stream as they came.
        var streams: [[[UInt8]]] = []
        var durable: UInt64 = 0
        /// What an agent did that this version's contract does not allow.
        var breaches: [String] = []
        /// Whether streams are refused for now.
        var isAway = false

        var frames: [Tocsin_V1_Frame] {
            streams.joined().compactMap { try? Tocsin_V1_AgentMessage(serializedBytes: $0) }.compactMap {
                if case .frame(let frame)? = $0.message { frame } else { nil }
            }
        }
    }

    static let window: UInt32 = 8

    private let state = Mutex(State())

    /// What came so far.
    var view: State { state.withLock { $0 } }

    /// Ends the streams there are with their next message, and refuses others until it is told otherwise.
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

    func connect(
        request: RPCAsyncSequence<Tocsin_V1_AgentMessage, any Error>,
        response: RPCWriter<Tocsin_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        let stream = state.withLock { state in
            state.streams.append([])
            return state.streams.count - 1
        }
        for try await message in request {
            let answer = try state.withLock { state -> Tocsin_V1_CoordinatorMessage? in
                if state.isAway { throw RPCError(code: .unavailable, message: "away") }
                state.streams[stream].append(try message.serializedBytes())
                return state.answer(to: message)
            }
            if let answer { try await response.write(answer) }
        }
    }
}

extension OlderCoordinator.State {
    fileprivate mutating func answer(to message: Tocsin_V1_AgentMessage) -> Tocsin_V1_CoordinatorMessage? {
        switch message.message {
        case .hello:
            return .with {
                $0.welcome.durableSequence = durable
                $0.welcome.ackWindow = OlderCoordinator.window
                $0.welcome.version = "0.0.9"
            }
        case .frame(let frame):
            if frame.sequence != durable + 1 { breaches.append("frame \(frame.sequence) after \(durable)") }
            durable = max(durable, frame.sequence)
            let acknowledged = durable
            return .with { $0.ack.durableSequence = acknowledged }
        case .targetReport, .heartbeat, nil: return nil
        }
    }
}

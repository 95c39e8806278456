import GRPCCore
import Logging
import Synchronization
import Telemetry
import TokenAccess

/// Says refused tokens in the log: each sort once a minute, with the number of those that were not said.
final class RefusalLog: Sendable {
    private struct Entry {
        var saidAt: Timestamp
        var unsaid = 0
    }

    private let logger: Logger
    private let entries = Mutex<[TokenRefusal.Reason: Entry]>([:])

    init(_ logger: Logger) {
        self.logger = logger
    }

    func note(_ refusal: TokenRefusal, of context: ServerContext, at now: Timestamp) {
        let unsaid = entries.withLock { entries -> Int? in
            if var entry = entries[refusal.reason], now - entry.saidAt < TokenInterceptor.logInterval,
                now >= entry.saidAt
            {
                entry.unsaid += 1
                entries[refusal.reason] = entry
                return nil
            }
            defer { entries[refusal.reason] = Entry(saidAt: now) }
            return entries[refusal.reason]?.unsaid ?? 0
        }
        guard let unsaid else { return }
        logger.warning(
            "a token was refused",
            metadata: [
                "reason": "\(refusal)", "peer": "\(context.remotePeer)",
                "call": "\(context.descriptor.fullyQualifiedMethod)", "unsaid": "\(unsaid)",
            ])
    }
}

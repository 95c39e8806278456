import Logging
import Notification
import ServiceLifecycle
import Telemetry

/// Posts the watchdog's sign of life at its interval, while everything that must move moves.
struct HeartbeatService: Service {
    let heartbeat: Heartbeat
    let interval: Duration
    let progress: @Sendable () -> Heartbeat.Progress
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var heartbeat = heartbeat
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: interval)
                } catch {
                    return
                }
                switch await heartbeat.beat(progress(), at: now()) {
                case .sent: break
                case .withheld(let stuck):
                    logger.error(
                        "no heartbeat: something stands still",
                        metadata: ["what": "\(stuck.joined(separator: ", "))"])
                case .failed(let reason):
                    logger.warning("the heartbeat did not get through", metadata: ["reason": "\(reason)"])
                }
            }
        }
    }
}

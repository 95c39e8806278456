import CellStore
import Logging
import SampleStore
import ServiceLifecycle
import Telemetry

/// Removes old samples, old cells and old notices every minute.
struct RetentionService: Service {
    let store: SampleStore
    let ageMax: Duration
    let bytesMax: Int
    /// Nil when cells are not stored.
    let cells: CellStore?
    let cellAgeMax: Duration
    let cellBytesMax: Int
    let outbox: NotificationService
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    let report = try await store.enforceRetention(now: now(), ageMax: ageMax, bytesMax: bytesMax)
                    if report.framesByAge + report.framesBySize > 0 {
                        logger.debug(
                            "retention",
                            metadata: ["byAge": "\(report.framesByAge)", "bySize": "\(report.framesBySize)"])
                    }
                } catch {
                    logger.error("retention failed; tried again in a minute", metadata: ["reason": "\(error)"])
                }
                await removeCells()
                await outbox.prune()
                do {
                    try await Task.sleep(for: .seconds(60))
                } catch {
                    return
                }
            }
        }
    }

    private func removeCells() async {
        do {
            _ = try await cells?.enforceRetention(now: now(), ageMax: cellAgeMax, bytesMax: cellBytesMax)
        } catch {
            logger.error("retention of cells failed; tried again in a minute", metadata: ["reason": "\(error)"])
        }
    }
}

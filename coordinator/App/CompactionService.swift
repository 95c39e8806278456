import Logging
import SQLiteFile
import SampleStore
import ServiceLifecycle
import Telemetry

/// Turns received frames into chunks by series, in the background: half of one core at most.
struct CompactionService: Service {
    let store: SampleStore
    let counters: CounterBoard
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// How often it is looked whether there is something to do.
    private static let interval = Duration.seconds(10)
    /// Pause after a failure, of a full disk for example.
    private static let retryInterval = Duration.seconds(60)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: await step())
                } catch {
                    return
                }
            }
        }
    }

    /// Does one step, and tells how long to wait for the next.
    private func step() async -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let report = try await store.compactOnce(now: now(), policy: CompactionPolicy())
            if report.damaged > 0 {
                logger.error(
                    "damaged samples were set aside; queries show the time as a gap",
                    metadata: ["count": "\(report.damaged)"])
            }
            counters.add { counters in
                counters.framesCompacted += UInt64(report.frames)
                counters.blocksDamaged += UInt64(report.damaged)
            }
            return report.isIdle ? Self.interval : clock.now - start
        } catch {
            logger.error("compaction failed; tried again in a minute", metadata: ["reason": "\(error)"])
            return Self.retryInterval
        }
    }
}

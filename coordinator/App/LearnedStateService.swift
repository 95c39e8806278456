import Detection
import DetectorStore
import Logging
import ServiceLifecycle
import Telemetry

/// Keeps what detectors learned in a file, every ten minutes and when the coordinator stops.
struct LearnedStateService: Service {
    let writer: DetectorStateWriter
    let pipeline: Pipeline
    let counters: CounterBoard
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// What is lost when the process is killed.
    private static let interval = Duration.seconds(600)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: Self.interval)
                } catch {
                    return
                }
                await keep()
            }
        }
        await keep()
    }

    private func keep() async {
        // Nil when the pipeline has stopped.
        guard let learned = await pipeline.inspect({ $0.bank.learned }) else { return }
        do {
            let written = try await writer.write(learned, takenAt: now())
            if written.leftOut > 0 {
                counters.add { $0.modelSubjectsLeftOut += UInt64(written.leftOut) }
                logger.warning(
                    "the file of what detectors learned is full; some begin anew after a restart",
                    metadata: ["kept": "\(written.subjects)", "leftOut": "\(written.leftOut)"])
            }
        } catch {
            counters.add { $0.modelFileFailures += 1 }
            logger.error("what detectors learned could not be kept", metadata: ["reason": "\(error)"])
        }
    }
}

extension CoordinatorApp.Configuration {
    /// The file of what detectors learned.
    var detectorState: DetectorStateFile { DetectorStateFile(path: dataDirectory + "/detectors.state") }
}

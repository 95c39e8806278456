import AsyncAlgorithms
import ConfigurationKit
import CoordinatorSettings
import Dispatch
import Logging
import ServiceLifecycle
import UnixSignals

/// Keeps the thresholds in force those of the file: reads it every second and on SIGHUP.
///
/// Reading finds every way in which a file may change (an editor's rename, a ConfigMap's swapped link, a write in
/// place); a notification of the kernel's would miss some of them. The file has 1 MiB at most.
struct ThresholdsService: Service {
    private enum Occasion: Sendable {
        case time
        case signal
    }

    let path: String
    /// Whether SIGHUP is taken; a test that runs several coordinators in one process leaves it alone.
    let takesSignals: Bool
    let reader: ThresholdsReader
    let pipeline: Pipeline
    let counters: CounterBoard
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                let occasions = AsyncChannel<Occasion>()
                group.addTask { await follow(occasions) }
                group.addTask {
                    while !Task.isCancelled {
                        try? await ListenerLoop.shared.sleep(for: .seconds(1))
                        await occasions.send(.time)
                    }
                    occasions.finish()
                }
                if takesSignals {
                    group.addTask {
                        for await _ in await UnixSignalsSequence(trapping: .sighup) { await occasions.send(.signal) }
                    }
                }
                await group.waitForAll()
            }
        }
    }

    private func follow(_ occasions: AsyncChannel<Occasion>) async {
        var reader = reader
        for await occasion in occasions {
            let outcome = reader.take(await read(), isAsked: occasion == .signal)
            switch outcome {
            case .unchanged:
                if occasion == .signal { logger.notice("thresholds are as they were", metadata: ["file": "\(path)"]) }
            case .accepted(let loaded):
                for warning in loaded.warnings { logger.warning("\(warning)") }
                counters.add { $0.thresholdsReloaded += 1 }
                await pipeline.replaceThresholds(.accepted(loaded.value, file: path))
                logger.notice("thresholds reloaded", metadata: ["file": "\(path)"])
            case .refused(let issues):
                counters.add { $0.thresholdsRefused += 1 }
                for issue in issues { logger.error("thresholds refused: \(issue)") }
                let errors = issues.filter { $0.level == .error }.map(\.description)
                await pipeline.replaceThresholds(.refused(errors, file: path))
            }
        }
    }

    /// Reads the file on a thread that may wait for a disk.
    private func read() async -> Result<ConfigurationSource, ConfigurationError> {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { [path] in
                do throws(ConfigurationError) {
                    continuation.resume(returning: .success(try ConfigurationSource(path: path)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
    }
}

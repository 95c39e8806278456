import Logging
import Probing
import ServiceLifecycle
import Synchronization
import Telemetry

/// Holds the agent to its limit of resident memory: kinds of target are left out in the order of `MemoryShedder`.
final class BudgetKeeper: Service {
    private let bytesMax: Int
    private let interval: Duration
    private let runner: ProbeRunner<ContinuousClock>
    private let logger: Logger
    private let shedder: Mutex<MemoryShedder>

    init(bytesMax: Int, interval: Duration, runner: ProbeRunner<ContinuousClock>, logger: Logger) {
        self.bytesMax = bytesMax
        self.interval = interval
        self.runner = runner
        self.logger = logger
        shedder = Mutex(MemoryShedder(bytesMax: bytesMax))
    }

    /// Levels in force, 0 when nothing is left out.
    var level: Int { shedder.withLock { $0.level } }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                self.look()
                try? await Task.sleep(for: self.interval)
            }
        }
    }

    private func look() {
        let usage = SelfUsage.read()
        let (changed, shed, level) = shedder.withLock { shedder in
            (shedder.look(residentBytes: usage.residentBytes), shedder.shed, shedder.level)
        }
        guard changed else { return }
        runner.shed(
            shed,
            reason: "Not probed: the agent uses more than \(bytesMax >> 20) MiB of memory (limits.residentMemory).")
        logger.warning(
            "memory: kinds of target left out",
            metadata: [
                "kinds": "\(shed.map(\.rawValue).sorted().joined(separator: ", "))", "level": "\(level)",
                "residentBytes": "\(usage.residentBytes)", "limitBytes": "\(bytesMax)",
            ])
    }
}

import CellStore
import Logging
import SQLiteFile
import Telemetry

/// The store of cells and what fills it; neither where it cannot be opened, since detection does without.
struct CellParts {
    let store: CellStore?
    let recorder: CellRecorder?

    init(_ directory: String, counters: CounterBoard, logger: Logger, now: @escaping @Sendable () -> Timestamp) async {
        do throws(StoreError) {
            let store = try CellStore(directory: directory)
            if let path = store.quarantinedPath { Self.tell(path, counters, logger) }
            recorder = CellRecorder(
                writer: CellWriter(store), stoppedAt: try await Self.newest(store, counters, logger),
                counters: counters, logger: logger, now: now)
            self.store = store
        } catch {
            counters.add { $0.cellStoreFailures += 1 }
            logger.error("cells are not stored: their store cannot be opened", metadata: ["reason": "\(error)"])
            (store, recorder) = (nil, nil)
        }
    }

    /// What the newest stored cell is about ends then; a file that cannot say so is set aside.
    private static func newest(
        _ store: CellStore, _ counters: CounterBoard, _ logger: Logger
    ) async throws(StoreError) -> Timestamp? {
        do {
            return try await store.sizes().newest
        } catch {
            guard error.code == .corrupt else { throw error }
            tell(try store.replaceDamagedFile(), counters, logger)
            return nil
        }
    }

    private static func tell(_ path: String, _ counters: CounterBoard, _ logger: Logger) {
        counters.add { $0.databasesSetAside[.cells, default: 0] += 1 }
        logger.error("the store of cells was damaged and set aside", metadata: ["path": "\(path)"])
    }
}

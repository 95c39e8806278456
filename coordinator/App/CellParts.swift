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
            if let path = store.quarantinedPath {
                logger.error("the store of cells was damaged and set aside", metadata: ["path": "\(path)"])
            }
            recorder = CellRecorder(
                writer: CellWriter(store), stoppedAt: try await store.sizes().newest, counters: counters,
                logger: logger, now: now)
            self.store = store
        } catch {
            counters.add { $0.cellStoreFailures += 1 }
            logger.error("cells are not stored: their store cannot be opened", metadata: ["reason": "\(error)"])
            (store, recorder) = (nil, nil)
        }
    }
}

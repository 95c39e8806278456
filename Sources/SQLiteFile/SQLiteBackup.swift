import Foundation
import GRDB

/// A copy of a database file that another process may be writing to.
package enum SQLiteBackup {
    /// Copies all that is committed at one moment, by SQLite's online backup, to a file that is not there yet.
    ///
    /// Blocks. The writer goes on meanwhile: in WAL mode the copy is one reader's snapshot, and all that it costs the
    /// writer is a log that cannot be checkpointed until the copy is done. Every page of the copy is looked at
    /// (`quick_check`) before it counts; it is on the disk when this returns. Throws `.corrupt` for a damaged file,
    /// `.full`, `.io`, `.busy` or `.other`; an unfinished copy is removed.
    package static func copy(_ path: String, to target: String) throws(StoreError) {
        do {
            var reading = GRDB.Configuration()
            reading.readonly = true
            reading.busyMode = .timeout(5)
            let source = try DatabaseQueue(path: path, configuration: reading)
            let copy = try DatabaseQueue(path: target)
            try source.backup(to: copy)
            let verdict = try copy.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            try copy.close()
            guard verdict == "ok" else { throw StoreError(.corrupt, "\(path) has damaged pages") }
            try syncFile(target)
        } catch {
            for suffix in ["", "-wal", "-shm", "-journal"] where access(target + suffix, F_OK) == 0 {
                unlink(target + suffix)
            }
            var failure = StoreError(error)
            if !failure.message.hasPrefix(path) { failure.message = "\(path): \(failure.message)" }
            throw failure
        }
    }

    /// Returns when a file, or the names in a folder, are on the disk.
    package static func syncFile(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.io, "\(path): cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError(.io, "\(path): cannot be made durable") }
    }
}

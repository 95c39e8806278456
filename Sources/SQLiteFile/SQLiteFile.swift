import Foundation
package import GRDB
import Synchronization

/// One SQLite database file of the coordinator: opened in WAL mode so that a committed transaction survives a power
/// cut, and set aside when it turns out to be damaged.
///
/// `synchronous` is FULL: in WAL mode NORMAL does not sync the log at commit, so the last transactions before a power
/// cut would be gone although they were acknowledged (https://www.sqlite.org/pragma.html#pragma_synchronous). FULL
/// costs one `fdatasync` a transaction; writers batch.
///
/// Work runs on GRDB's own dispatch queues, never on the cooperative pool.
package final class SQLiteFile: Sendable {
    /// How a file is opened.
    package struct Configuration: Sendable {
        /// Path of the file; its folder must exist.
        package var path: String
        /// Damaged files of this name that are kept; the oldest beyond is deleted.
        ///
        /// At least 1.
        package var quarantineMax: Int
        /// Whether every page is looked at while opening, and each index held against its table: for small files that
        /// matter.
        package var checksPages: Bool
        /// Upper bound of the file in bytes; nil: the disk's.
        ///
        /// At the bound writes fail with `.full`.
        package var fileBytesMax: Int?

        /// Makes a configuration.
        package init(path: String, quarantineMax: Int, checksPages: Bool, fileBytesMax: Int? = nil) {
            self.path = path
            self.quarantineMax = quarantineMax
            self.checksPages = checksPages
            self.fileBytesMax = fileBytesMax
        }
    }

    /// A log of which transactions cannot be read.
    package struct DamagedLog: Sendable, Hashable {
        /// How many, as far as they can be counted.
        package var transactions: Int
        /// Where file and log were copied to.
        package var copy: String
    }

    /// Where the file is.
    package let path: String
    /// Where a damaged file of the same name was moved to while opening; nil when the file was sound.
    package let quarantinedPath: String?
    /// What could not be read of the log beside a file whose pages are checked; nil when it was sound.
    package let damagedLog: DamagedLog?
    /// The connections.
    package var pool: DatabasePool { connections.withLock { $0 } }

    private let connections: Mutex<DatabasePool>
    private let configuration: Configuration
    private let migrator: DatabaseMigrator

    /// Opens the file, makes it when it is missing, and brings its tables up to date.
    ///
    /// A damaged file is moved aside together with its log, and a new one is made. Blocks; for start-up.
    /// Throws `.newerSchema`, `.io`, `.full`, `.busy` or `.other`, never `.corrupt`.
    package init(_ configuration: Configuration, migrator: DatabaseMigrator) throws(StoreError) {
        path = configuration.path
        self.configuration = configuration
        self.migrator = migrator
        let marker = Self.markerPath(configuration.path)
        damagedLog = try configuration.checksPages ? Self.keepDamagedLog(configuration) : nil
        if !FileManager.default.fileExists(atPath: marker), !Self.isEmptied(configuration.path) {
            do {
                connections = Mutex(try Self.open(configuration, migrator))
                quarantinedPath = nil
                return
            } catch let error where error.code != .corrupt {
                throw error
            } catch {}
        }
        let renewed = try Self.renew(configuration, migrator)
        quarantinedPath = renewed.path
        connections = Mutex(renewed.pool)
    }

    /// Sets the file aside and goes on with a new one: after damage that a write found.
    ///
    /// Blocks. What is under way goes on with the file that is set aside. Returns where that is now.
    package func replace() throws(StoreError) -> String {
        let renewed = try Self.renew(configuration, migrator)
        connections.withLock { $0 = renewed.pool }
        return renewed.path
    }

    /// Whether a file is there that holds nothing.
    ///
    /// SQLite would take it for a new database, and remove the log beside it. It is one whose content is gone; where a
    /// process died between making it and writing its first page, nothing is lost by setting it aside.
    private static func isEmptied(_ path: String) -> Bool {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        return size == 0
    }

    private static func renew(
        _ configuration: Configuration, _ migrator: DatabaseMigrator
    ) throws(StoreError) -> (path: String, pool: DatabasePool) {
        let path = try quarantine(configuration)
        let pool = try open(configuration, migrator)
        let marker = markerPath(configuration.path)
        do {
            if FileManager.default.fileExists(atPath: marker) { try FileManager.default.removeItem(atPath: marker) }
        } catch {
            throw StoreError(.io, "cannot remove \(marker)")
        }
        return (path, pool)
    }

    /// Runs `body` in one transaction; returns when it is on the disk.
    ///
    /// Cancellation of the caller does not undo it.
    ///
    /// Damage found here is remembered, so that the next start sets the file aside.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        try await perform { database in
            // Statements that are compiled once: `inTransaction` compiles both for each transaction, which costs as
            // much as what a small one writes.
            try database.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
            do {
                let value = try body(database)
                try database.cachedStatement(sql: "COMMIT TRANSACTION").execute()
                return value
            } catch {
                // A severe error has ended the transaction by itself.
                if database.isInsideTransaction { try? database.rollback() }
                throw error
            }
        }
    }

    /// Runs `body` outside a transaction on the writing connection, for pragmas.
    package func writeWithoutTransaction<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        try await perform(body)
    }

    /// Runs `body` on a snapshot; keep it short, since the log cannot be truncated behind an old snapshot.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw StoreError(error)
        }
    }

    /// Runs `body` in one transaction on the caller's thread, which it blocks: for threads of their own.
    ///
    /// Returns when it is on the disk. Waits its turn behind the writers of `write`.
    package func writeBlocking<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try pool.write(body)
        } catch {
            let failure = StoreError(error)
            if failure.code == .corrupt { markDamaged() }
            throw failure
        }
    }

    /// Runs `body` on a snapshot on the caller's thread, which it blocks: for threads of their own.
    package func readBlocking<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw StoreError(error)
        }
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                do {
                    continuation.resume(returning: .success(try body(database)))
                } catch {
                    continuation.resume(returning: .failure(StoreError(error)))
                }
            }
        }
        if case .failure(let error) = result, error.code == .corrupt { markDamaged() }
        return try result.get()
    }

    /// Leaves a mark beside the file that it is to be set aside at the next opening.
    private func markDamaged() {
        // Without the mark the damage is found again by the next write: nothing is lost by a failure here.
        _ = FileManager.default.createFile(atPath: Self.markerPath(path), contents: nil)
    }

    private static func markerPath(_ path: String) -> String { path + ".damaged" }
}

// MARK: - Opening

extension SQLiteFile {
    private static func open(_ file: Configuration, _ migrator: DatabaseMigrator) throws(StoreError) -> DatabasePool {
        do {
            var configuration = GRDB.Configuration()
            configuration.busyMode = .timeout(5)
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { database in
                // Before the first page is written, else it has no effect; a no-op on an old file.
                if !database.configuration.readonly { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            }
            let pool = try DatabasePool(path: file.path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                // After opening: GRDB sets NORMAL when it turns WAL on.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "PRAGMA journal_size_limit = 8388608")
                if let bytes = file.fileBytesMax {
                    let pageBytes = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
                    try database.execute(sql: "PRAGMA max_page_count = \(max(1, bytes / pageBytes))")
                }
                guard try !migrator.hasBeenSuperseded(database) else {
                    throw StoreError(.newerSchema, "\(file.path) was written by a newer version")
                }
                if file.checksPages, try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") != "ok" {
                    throw StoreError(.corrupt, "\(file.path) has damaged pages")
                }
            }
            try migrator.migrate(pool)
            let expected = try DatabaseQueue()
            try migrator.migrate(expected)
            guard try pool.read({ try SchemaNames($0) }) == expected.read({ try SchemaNames($0) }) else {
                throw StoreError(.corrupt, "\(file.path) has other tables or columns than were made")
            }
            // Else a file that grows slowly lies in its log for months, which nothing tells from one that is cut off.
            if file.checksPages { try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
            return pool
        } catch {
            var failure = StoreError(error)
            failure.message = "\(file.path): \(failure.message)"
            throw failure
        }
    }

    /// Copies file and log when transactions of the log cannot be read: SQLite goes on without them.
    private static func keepDamagedLog(_ file: Configuration) throws(StoreError) -> DamagedLog? {
        do {
            let count = try WriteAheadLog(of: file.path).transactionsUnreadable
            guard count > 1 else { return nil }
            let target = try freeQuarantine(file)
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: file.path + suffix) {
                try FileManager.default.copyItem(atPath: file.path + suffix, toPath: target + suffix)
            }
            return DamagedLog(transactions: count, copy: target)
        } catch {
            throw StoreError(.io, "cannot copy the damaged log of \(file.path): \(error)")
        }
    }

    /// Moves the file, and the log beside it, to the first free `PATH.corrupt-N`.
    private static func quarantine(_ file: Configuration) throws(StoreError) -> String {
        let manager = FileManager.default
        do {
            let target = try freeQuarantine(file)
            for suffix in ["", "-wal"] where manager.fileExists(atPath: file.path + suffix) {
                try manager.moveItem(atPath: file.path + suffix, toPath: target + suffix)
            }
            // The index of the log is rebuilt from the log.
            if manager.fileExists(atPath: file.path + "-shm") { try manager.removeItem(atPath: file.path + "-shm") }
            return target
        } catch {
            throw StoreError(.io, "cannot set the damaged \(file.path) aside: \(error)")
        }
    }

    /// The next name for a damaged file; the oldest of those that are there go, so that there are not too many.
    private static func freeQuarantine(_ file: Configuration) throws -> String {
        let manager = FileManager.default
        let folder = (file.path as NSString).deletingLastPathComponent
        let prefix = (file.path as NSString).lastPathComponent + ".corrupt-"
        let numbers = try manager.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)
            .compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }.sorted()
        let excess = numbers.count + 1 - max(1, file.quarantineMax)
        for number in numbers.prefix(max(0, excess)) {
            for suffix in ["", "-wal", "-shm"] {
                let old = "\(file.path).corrupt-\(number)\(suffix)"
                if manager.fileExists(atPath: old) { try manager.removeItem(atPath: old) }
            }
        }
        return "\(file.path).corrupt-\((numbers.last ?? 0) + 1)"
    }
}

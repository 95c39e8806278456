import CellStore
import DetectorStore
import Foundation
import IncidentStore
import SQLiteFile
import SampleStore
import Telemetry

/// A copy of a coordinator's data folder, taken while the coordinator works: to restore, start one on it.
///
/// Samples are copied before incidents: a restored coordinator then knows of every page that was sent for what it reads
/// in its samples, and sends none twice. What came between the two moments is in the event log alone, as it is after a
/// crash.
struct CoordinatorBackup {
    /// What was copied.
    struct Report: Codable, Equatable {
        /// One file of the copy.
        struct File: Codable, Equatable {
            var name: String
            var bytes: Int
        }

        var version: String
        /// When the copying began and ended, in seconds since 1970: the samples are of the first moment or later.
        var startedAt: Double
        var endedAt: Double
        var files: [File] = []
        /// Files that are damaged, each with the reason; they are not in the copy.
        var leftOut: [String] = []
    }

    /// Why there is no copy.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Name of the file in a copy that tells what it is; its presence means that the copy is whole.
    static let reportName = "backup.json"
    /// Left on the disk of the copy beside what it needs: a full disk would stop the coordinator if it were the same.
    static let freeBytesMin = 256 << 20

    let dataDirectory: String
    let now: () -> Timestamp

    /// Copies into a folder that is not there yet, or empty.
    ///
    /// The folder has its name only when all of it is on the disk. Throws `Failure`, `StoreError` or what the file
    /// system said.
    func write(to destination: String) throws -> Report {
        let manager = FileManager.default
        let target = URL(fileURLWithPath: destination).standardizedFileURL.path
        if let held = try? manager.contentsOfDirectory(atPath: target), !held.isEmpty {
            throw Failure(description: "\(target) is not empty")
        }
        guard manager.fileExists(atPath: path(IncidentStore.fileName)) else {
            throw Failure(description: "\(dataDirectory) holds no \(IncidentStore.fileName): is it the data folder?")
        }
        let parent = (target as NSString).deletingLastPathComponent
        let partial = target + ".partial"
        if manager.fileExists(atPath: partial) { try manager.removeItem(atPath: partial) }
        try manager.createDirectory(
            atPath: partial, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        do {
            try checkSpace(of: partial)
            let report = try copy(into: partial)
            // Another start of the coordinator would take an empty folder for a new installation: never half a name.
            guard rename(partial, target) == 0 else {
                throw Failure(description: "\(target): \(String(cString: strerror(errno)))")
            }
            try SQLiteBackup.syncFile(parent)
            return report
        } catch {
            try? manager.removeItem(atPath: partial)
            throw error
        }
    }

    private func copy(into folder: String) throws -> Report {
        let manager = FileManager.default
        var report = Report(version: TocsinVersion.current, startedAt: now().seconds, endedAt: 0)
        // Written as a whole by renaming, so that a copy of it is one too.
        if manager.fileExists(atPath: path(Self.detectorsName)) {
            try manager.copyItem(atPath: path(Self.detectorsName), toPath: "\(folder)/\(Self.detectorsName)")
            try SQLiteBackup.syncFile("\(folder)/\(Self.detectorsName)")
            report.files.append(try file(Self.detectorsName, in: folder))
        }
        for name in Self.databases where manager.fileExists(atPath: path(name)) {
            if let damage = try copyDatabase(name, into: folder) {
                report.leftOut.append(damage)
            } else {
                report.files.append(try file(name, in: folder))
            }
        }
        try copyAuthority(into: folder, &report)
        report.endedAt = now().seconds
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try encoder.encode(report).write(to: URL(fileURLWithPath: "\(folder)/\(Self.reportName)"))
        try SQLiteBackup.syncFile("\(folder)/\(Self.reportName)")
        try SQLiteBackup.syncFile(folder)
        return report
    }

    /// Copies the authority that the coordinator made for itself, keys included.
    ///
    /// With another one, all who trust it would have to learn of that first. A pair that does not fit its authority is
    /// made again at the start.
    private func copyAuthority(into folder: String, _ report: inout Report) throws {
        let manager = FileManager.default
        let directory = Listeners.authorityDirectory
        guard manager.fileExists(atPath: path(directory)) else { return }
        let target = "\(folder)/\(directory)"
        try manager.createDirectory(
            atPath: target, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for name in try manager.contentsOfDirectory(atPath: path(directory)).sorted() {
            try manager.copyItem(atPath: path("\(directory)/\(name)"), toPath: "\(target)/\(name)")
            try SQLiteBackup.syncFile("\(target)/\(name)")
            report.files.append(try file("\(directory)/\(name)", in: folder))
        }
        try SQLiteBackup.syncFile(target)
    }

    /// Copies a database; gives what is wrong with one that is damaged.
    private func copyDatabase(_ name: String, into folder: String) throws -> String? {
        do {
            try SQLiteBackup.copy(path(name), to: "\(folder)/\(name)")
            return nil
        } catch {
            guard error.code == .corrupt else { throw error }
            return "\(error)"
        }
    }

    /// In the order in which they are copied.
    private static let databases = [CellStore.fileName, SampleStore.fileName, IncidentStore.fileName]
    private static let detectorsName = "detectors.state"

    private func path(_ name: String) -> String { "\(dataDirectory)/\(name)" }

    private func file(_ name: String, in folder: String) throws -> Report.File {
        Report.File(name: name, bytes: try bytes(of: "\(folder)/\(name)"))
    }

    private func bytes(of path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue ?? 0
    }

    private func checkSpace(of folder: String) throws {
        var needed = Self.freeBytesMin
        for name in Self.databases {
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path(name + suffix)) {
                needed += try bytes(of: path(name + suffix))
            }
        }
        let free = try FileManager.default.attributesOfFileSystem(forPath: folder)[.systemFreeSize] as? NSNumber
        guard let free = free?.intValue, free < needed else { return }
        throw Failure(
            description:
                "\(folder): \(free >> 20) MiB are free, a copy needs \(needed >> 20) MiB (\(Self.freeBytesMin >> 20)"
                + " of them stay free)")
    }
}

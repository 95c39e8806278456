import BlockingWork
import FoundationEssentials
import Logging
import Probing

/// How far audit logs were read, in one small file: an agent that starts again neither leaves logins out nor takes them
/// twice.
///
/// A mark is kept after what it covers was handed on, so that a kill can make the agent read the logins of its last
/// interval again, but never miss any. A file that cannot be read is none; what cannot be written is logged once.
actor LoginMarks: LoginMarkKeeping {
    /// Targets whose marks are kept; the one that was kept longest ago makes room.
    static let targetsMax = 256

    private struct Entry: Codable {
        var target: String
        var mark: LoginTally.Mark
    }

    private let executor = QueueExecutor(label: "tocsin.marks")
    private let path: String
    private let logger: Logger
    /// Kept longest ago first; nil before the file was read.
    private var entries: [Entry]?
    private var isFailing = false

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes the keeper of a file in a folder; nothing is read before the first mark is asked for.
    init(directory: String, logger: Logger) {
        path = directory + "/login-marks.json"
        self.logger = logger
    }

    func mark(of target: String) -> LoginTally.Mark? {
        load().first { $0.target == target }?.mark
    }

    func keep(_ mark: LoginTally.Mark, of target: String) {
        var entries = load().filter { $0.target != target }
        entries.append(Entry(target: target, mark: mark))
        entries.removeFirst(max(0, entries.count - Self.targetsMax))
        self.entries = entries
        do {
            try JSONEncoder().encode(entries).write(to: URL(filePath: path), options: .atomic)
            isFailing = false
        } catch {
            if !isFailing {
                logger.warning(
                    "how far audit events were read cannot be kept; after a restart logins count from then on",
                    metadata: ["file": "\(path)", "reason": "\(error.systemReason)"])
            }
            isFailing = true
        }
    }

    private func load() -> [Entry] {
        if let entries { return entries }
        var found: [Entry] = []
        if let data = FileManager.default.contents(atPath: path) {
            do {
                found = try JSONDecoder().decode([Entry].self, from: data)
            } catch {
                logger.warning("the marks of audit events cannot be read", metadata: ["file": "\(path)"])
            }
        }
        entries = found
        return found
    }
}

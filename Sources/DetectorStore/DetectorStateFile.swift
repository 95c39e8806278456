import CZlib
package import Detection
import Foundation
package import Telemetry

/// What detectors have learned, in one file that is replaced as a whole.
///
/// JSON, a line each: a head with the form's version and the time; a subject a line; a tail with their number and the
/// CRC-32 of all bytes before it. A file that is damaged, too large or of a newer form is not used, and the reason is
/// told: detectors then start anew, as they would without a file.
package struct DetectorStateFile: Sendable {
    /// What a write came to.
    package struct Written: Sendable, Hashable {
        /// Subjects in the file.
        package var subjects = 0
        /// Subjects that found no room below the limit; they start anew after a restart.
        package var leftOut = 0
        /// Length of the file.
        package var bytes = 0
    }

    /// What there is to read.
    package enum Found: Sendable, Hashable {
        /// No file yet.
        case nothing
        /// The state, and when it was taken.
        case state(DetectorBank.Snapshot, takenAt: Timestamp)
        /// A file that cannot be used, and why.
        case unusable(String)
    }

    private struct Head: Codable {
        var form: String
        var version: Int
        var takenAt: Timestamp
    }

    private struct Tail: Codable {
        var subjects: Int
        var crc32: String
    }

    /// The form of the file; that of the lines has a version of its own.
    private static let version = 1
    private static let form = "tocsin detector state"
    /// Room for the tail beyond the limit.
    private static let tailBytes = 128

    private let path: String
    private let bytesMax: Int

    /// Names the file.
    ///
    /// - Parameter bytesMax: subjects beyond it are left out, in the order of subjects; about 20 KB a workload.
    package init(path: String, bytesMax: Int = 256 * 1024 * 1024) {
        self.path = path
        self.bytesMax = bytesMax
    }

    // MARK: Writing

    /// Puts a state in place of the last one; the last one stays until the new one is durable.
    package func write(_ state: DetectorBank.Snapshot, takenAt: Timestamp) throws(DetectorStateFailure) -> Written {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let fresh = path + ".new"
        var written = Written()
        let file = try DurableFile(writing: fresh)
        do {
            var sum = Crc32()
            func put(_ value: some Encodable) throws -> Bool {
                let line = try encoder.encode(value) + Data("\n".utf8)
                guard written.bytes + line.count <= bytesMax else { return false }
                try file.append(line)
                sum.add(line)
                written.bytes += line.count
                return true
            }
            _ = try put(Head(form: Self.form, version: Self.version, takenAt: takenAt))
            for part in state.parts {
                if try put(part) { written.subjects += 1 } else { written.leftOut += 1 }
            }
            let tail = try encoder.encode(Tail(subjects: written.subjects, crc32: sum.text)) + Data("\n".utf8)
            try file.append(tail)
            written.bytes += tail.count
            try file.finish()
        } catch {
            file.discard()
            throw (error as? DetectorStateFailure) ?? DetectorStateFailure(description: "\(fresh): \(error)")
        }
        try DurableFile.replace(path, by: fresh)
        return written
    }

    // MARK: Reading

    /// Reads the file.
    package func read() -> Found {
        guard FileManager.default.fileExists(atPath: path) else { return .nothing }
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= bytesMax + Self.tailBytes else {
                return .unusable("\(path) has \(size) bytes, more than \(bytesMax)")
            }
            return try parse(Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            return .unusable("\(path) cannot be read: \(error)")
        }
    }

    private func parse(_ bytes: Data) throws -> Found {
        let decoder = JSONDecoder()
        var lines = bytes.split(separator: UInt8(ascii: "\n"))[...]
        guard let first = lines.popFirst(), let head = try? decoder.decode(Head.self, from: first),
            head.form == Self.form
        else { return .unusable("\(path) is no state of detectors") }
        guard head.version <= Self.version else {
            return .unusable("\(path) has version \(head.version), this Tocsin knows up to \(Self.version)")
        }
        guard let last = lines.popLast(), let tail = try? decoder.decode(Tail.self, from: last),
            tail.subjects == lines.count
        else { return .unusable("\(path) is cut off") }
        var sum = Crc32()
        sum.add(bytes[..<last.startIndex])
        guard sum.text == tail.crc32 else { return .unusable("\(path) is damaged: its checksum is another") }
        let parts = try lines.map { try decoder.decode(DetectorBank.Snapshot.self, from: $0) }
        return .state(DetectorBank.Snapshot(joining: parts), takenAt: head.takenAt)
    }
}

/// Why a state could not be written: path and reason of the system.
package struct DetectorStateFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// Both in words.
    package var description: String
}

/// CRC-32 as zlib reckons it.
private struct Crc32 {
    private var sum: UInt = 0

    mutating func add(_ bytes: Data) {
        bytes.withUnsafeBytes { buffer in
            sum = crc32_z(sum, buffer.bindMemory(to: UInt8.self).baseAddress, buffer.count)
        }
    }

    var text: String { String(sum, radix: 16) }
}

import Foundation
import Synchronization
import Testing

@testable import LogProbe

/// Says across threads that something has ended.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isRaised: Bool { state.withLock { $0 } }

    func raise() { state.withLock { $0 = true } }
}

@Suite(.timeLimit(.minutes(5)))
struct LogTailTests {
    @Test func linesThatGrow() throws {
        let folder = try LogFolder()
        try folder.append("old\nhalf", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: true))
        try folder.append(" line\nnew\npar", to: "0.log")
        #expect(lines(tail) == ["new"])
        try folder.append("tial\n\n", to: "0.log")
        #expect(lines(tail, bufferBytes: 3) == ["partial", ""])
        #expect(lines(tail).isEmpty)
        let start = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(start) == ["old", "half line", "new", "partial", ""])
    }

    @Test func linesOfAnyLength() throws {
        let folder = try LogFolder()
        let edge = String(repeating: "a", count: LineSplitter.lineBytesMax)
        try folder.append("\(edge)\n\(edge)bc\nend\n", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == [edge, edge, "end"])
        #expect(tail.cutLines == 1)
    }

    @Test func aBudgetEndsALookButLosesNothing() throws {
        let folder = try LogFolder()
        let all = (0..<5000).map { "line \($0)" }
        try folder.append(all.joined(separator: "\n") + "\n", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        var found: [String] = []
        while found.count < all.count {
            let more = lines(tail, bytesMax: 8192)
            try #require(!more.isEmpty && more.count < 2000)
            found += more
        }
        #expect(found == all)
    }

    /// What logrotate's `copytruncate` does, with names that count upwards from the newest.
    private func copyAndTruncate(_ folder: LogFolder, log: String = "0.log") throws {
        for number in (1...8).reversed() {
            _ = rename(folder.path("\(log).\(number)"), folder.path("\(log).\(number + 1)"))
        }
        try FileManager.default.copyItem(atPath: folder.path(log), toPath: folder.path("\(log).1"))
        try #require(truncate(folder.path(log), 0) == 0)
    }

    @Test func copiesAreReadToTheirEnds() throws {
        let folder = try LogFolder()
        try folder.append("one\ntwo\nhal", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == ["one", "two"])
        try folder.append("f\nthree\nfo", to: "0.log")
        try copyAndTruncate(folder)
        #expect(lines(tail) == ["half", "three"])
        // The writer does not know that its file was truncated, and goes on inside of a line.
        try folder.append("ur\nfive\n", to: "0.log")
        #expect(lines(tail) == ["four", "five"])
        #expect(tail.counters.truncations == 1)
        #expect(tail.counters.rotations == 0)
        #expect(tail.counters.missedFiles == 0)
    }

    @Test func aTruncatedFileThatIsLongerAgain() throws {
        let folder = try LogFolder()
        try folder.append("one\n", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == ["one"])
        try folder.append("two\n", to: "0.log")
        try copyAndTruncate(folder)
        try folder.append("three, which is longer\n", to: "0.log")
        try copyAndTruncate(folder)
        try folder.append("four, which is longer too, and not looked at before it was over\n", to: "0.log")
        #expect(
            lines(tail) == [
                "two", "three, which is longer", "four, which is longer too, and not looked at before it was over",
            ])
        #expect(tail.counters.missedFiles == 0)
    }

    @Test func copiesThatWereMadeBeforeAnythingWasRead() throws {
        let folder = try LogFolder()
        try folder.append("one\n", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == ["one"])
        try copyAndTruncate(folder)
        #expect(lines(tail).isEmpty)
        try folder.append("two\n", to: "0.log")
        try copyAndTruncate(folder)
        try folder.append("three\n", to: "0.log")
        #expect(lines(tail) == ["two", "three"])
        // One that is still being made is a beginning of the file.
        try folder.append("four\n", to: "0.log")
        try folder.append("thr", to: "0.log.0")
        #expect(lines(tail) == ["four"])
    }

    @Test func truncationWithoutACopy() throws {
        let folder = try LogFolder()
        try folder.append("one\ntwo\nhal", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: true))
        #expect(lines(tail).isEmpty)
        try #require(truncate(folder.path("0.log"), 0) == 0)
        try folder.append("three\n", to: "0.log")
        #expect(lines(tail) == ["three"])
        #expect(tail.counters.truncations == 1)
        #expect(tail.counters.missedFiles == 1)
    }

    @Test func numbersThatMoveOn() throws {
        let folder = try LogFolder()
        try folder.append("one\n", to: "app.log")
        let tail = try #require(LogTail(path: folder.path("app.log"), atEnd: false))
        #expect(lines(tail) == ["one"])
        for word in ["two", "three", "four"] {
            for number in (1...3).reversed() {
                _ = rename(folder.path("app.log.\(number)"), folder.path("app.log.\(number + 1)"))
            }
            try #require(rename(folder.path("app.log"), folder.path("app.log.1")) == 0)
            try folder.append("\(word)\n", to: "app.log")
        }
        try folder.append("not this\n", to: "app.log.bak")
        try folder.append("nor this\n", to: "app.log.5.gz")
        #expect(lines(tail) == ["two", "three", "four"])
        #expect(tail.counters.rotations == 3)
        #expect(tail.counters.missedFiles == 0)
    }

    @Test func aFileIsKnownUnderAnotherName() throws {
        let folder = try LogFolder()
        try folder.append("one\n", to: "app.log")
        let tail = try #require(LogTail(path: folder.path("app.log"), atEnd: false))
        #expect(lines(tail) == ["one"])
        try #require(rename(folder.path("app.log"), folder.path("app-old.log")) == 0)
        #expect(tail.hasRead(folder.path("app-old.log")))
        try folder.append("two\n", to: "app.log")
        #expect(lines(tail) == ["two"])
        #expect(tail.hasRead(folder.path("app-old.log")))
        // Another file in its place, such as one that got the number of one that was removed.
        try #require(truncate(folder.path("app-old.log"), 0) == 0)
        try folder.append("another\n", to: "app-old.log")
        #expect(!tail.hasRead(folder.path("app-old.log")))
        #expect(!tail.hasRead(folder.path("none.log")))
    }

    @Test(arguments: [
        ("app.log.1", "1"), ("app.log-20261124", "20261124"), ("app.log.20261124-223800", "20261124-223800"),
        ("app.2026-11-24.0.log", "2026-11-24.0"), ("app.log", nil), ("app-1.log", nil), ("app.log.gz", nil),
        ("app.log.1.gz", nil), ("app.log.old", nil), ("app.logs", nil), ("other.log.1", nil),
    ])
    func rotatedNames(name: String, suffix: String?) {
        #expect(RotatedFiles.suffix(of: name, base: "app.log").map(String.init) == suffix)
    }

    @Test(arguments: [
        ("app.log.1", true), ("app.log-20261124", true), ("app.log.gz", true), ("app.log.20261124-223800", true),
        ("app.log", false), ("app-1.log", false), ("node-1", false), ("log", false), ("1", false),
    ])
    func namesThatLookRotated(name: String, isRotated: Bool) {
        #expect(RotatedFiles.looksRotated(name) == isRotated)
    }

    @Test func rotatedFilesThatAreGoneAreCounted() throws {
        let folder = try LogFolder()
        try folder.append("one\n", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == ["one"])
        try FileManager.default.removeItem(atPath: folder.path("0.log"))
        #expect(lines(tail).isEmpty)
        try folder.append("three\n", to: "0.log")
        #expect(lines(tail) == ["three"])
        #expect(tail.counters.missedFiles == 1)
    }

    /// How a log is rotated.
    enum Rotation: CaseIterable {
        /// As the kubelet does: the old file is named after the time.
        case rename
        /// As logrotate does: the numbers of all old files move on.
        case renumber
        /// As logrotate does with `copytruncate`.
        case copyTruncate

        static let kept = 80

        /// Rotates, and gives back the descriptor that the writer goes on with.
        func rotate(_ path: String, _ descriptor: Int32, number: Int) throws -> Int32 {
            if self != .rename {
                for old in (1..<Self.kept).reversed() { _ = Glibc.rename("\(path).\(old)", "\(path).\(old + 1)") }
            }
            if self == .copyTruncate {
                try copy(path, to: "\(path).1")
                try #require(ftruncate(descriptor, 0) == 0)
                return descriptor
            }
            let old = self == .rename ? path + String(format: ".%08d", number) : "\(path).1"
            try #require(Glibc.rename(path, old) == 0)
            // The writer goes on with the old file until it opens the new one.
            let late = "late \(number)\n"
            try #require(write(descriptor, late, late.utf8.count) > 0)
            close(descriptor)
            return open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
        }

        /// In small steps, so that the reader sees copies that are not done.
        private func copy(_ path: String, to copy: String) throws {
            let (from, to) = (open(path, O_RDONLY), open(copy, O_WRONLY | O_CREAT | O_EXCL, 0o644))
            defer {
                close(from)
                close(to)
            }
            var buffer = [UInt8](repeating: 0, count: 1000)
            while case let count = Glibc.read(from, &buffer, buffer.count), count > 0 {
                try #require(write(to, buffer, count) == count)
            }
        }
    }

    /// A writer that rotates many times faster than it is read: no line is lost or doubled.
    @Test(arguments: Rotation.allCases)
    func aLiveWriterThatRotates(rotation: Rotation) async throws {
        let folder = try LogFolder()
        let path = folder.path("0.log")
        try folder.append("", to: "0.log")
        let count = 30_000
        let isDone = Flag()
        let tail = try #require(LogTail(path: path, atEnd: false))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { isDone.raise() }
                var descriptor = open(path, O_WRONLY | O_APPEND)
                for number in 0..<count {
                    // Two writes a line: a look may fall between them, and so may a rotation.
                    for part in ["line ", "\(number)\n"] {
                        try #require(write(descriptor, part, part.utf8.count) == part.utf8.count)
                        if rotation == .copyTruncate, number % 997 == 996, part == "line " {
                            descriptor = try rotation.rotate(path, descriptor, number: number)
                        }
                    }
                    guard rotation != .copyTruncate, number % 997 == 996 else { continue }
                    descriptor = try rotation.rotate(path, descriptor, number: number)
                }
                close(descriptor)
            }
            var found: [String] = []
            while true {
                let wasDone = isDone.isRaised
                let more = lines(tail, bytesMax: 50_000)
                found += more
                if wasDone, more.isEmpty { break }
                await Task.yield()
            }
            let expected = (0..<count).flatMap { number in
                rotation != .copyTruncate && number % 997 == 996
                    ? ["line \(number)", "late \(number)"] : ["line \(number)"]
            }
            let first = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
            #expect(first == nil, "\(tail.counters)")
            #expect(found.count == expected.count, "\(tail.counters)")
            try await group.waitForAll()
        }
        #expect(tail.counters.missedFiles == 0)
        if rotation != .copyTruncate { #expect(tail.counters.rotations == UInt64(count / 997)) }
    }
}

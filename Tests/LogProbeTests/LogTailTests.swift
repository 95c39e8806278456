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

@Suite(.timeLimit(.minutes(1)))
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
        let edge = String(repeating: "a", count: LogTail.lineBytesMax)
        try folder.append("\(edge)\n\(edge)bc\nend\n", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == [edge, edge, "end"])
        #expect(tail.counters.cutLines == 1)
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

    @Test func copyAndTruncate() throws {
        let folder = try LogFolder()
        try folder.append("one\ntwo\nhal", to: "0.log")
        let tail = try #require(LogTail(path: folder.path("0.log"), atEnd: false))
        #expect(lines(tail) == ["one", "two"])
        try FileManager.default.copyItem(atPath: folder.path("0.log"), toPath: folder.path("0.log.1"))
        #expect(truncate(folder.path("0.log"), 0) == 0)
        #expect(lines(tail).isEmpty)
        try folder.append("three\n", to: "0.log")
        #expect(lines(tail) == ["three"])
        #expect(tail.counters.truncations == 1)
        #expect(tail.counters.rotations == 0)
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

    /// A writer that rotates by rename as the kubelet does, many times faster than it is read.
    @Test func aLiveWriterThatRotates() async throws {
        let folder = try LogFolder()
        let path = folder.path("0.log")
        try folder.append("", to: "0.log")
        let count = 60_000
        let isDone = Flag()
        let tail = try #require(LogTail(path: path, atEnd: false))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { isDone.raise() }
                var descriptor = open(path, O_WRONLY | O_APPEND)
                for number in 0..<count {
                    // Two writes a line: a look may fall between them.
                    for part in ["line ", "\(number)\n"] {
                        try #require(write(descriptor, part, part.utf8.count) == part.utf8.count)
                    }
                    guard number % 997 == 996 else { continue }
                    // The writer goes on with the old file until it opens the new one.
                    try #require(rename(path, path + String(format: ".%08d", number)) == 0)
                    try #require(write(descriptor, "late \(number)\n", "late \(number)\n".utf8.count) > 0)
                    close(descriptor)
                    descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
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
            let expected = (0..<count).flatMap { $0 % 997 == 996 ? ["line \($0)", "late \($0)"] : ["line \($0)"] }
            #expect(found == expected)
            try await group.waitForAll()
        }
        #expect(tail.counters.missedFiles == 0)
        #expect(tail.counters.rotations == UInt64(count / 997))
    }
}

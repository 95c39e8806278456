import Foundation
import Testing

@testable import LogText

@Suite struct EntryCounterTests {
    private func count(_ bytes: [UInt8]) -> EntryCounter {
        var counter = EntryCounter()
        for line in bytes.split(separator: 10) { _ = Array(line).withUnsafeBytes { counter.take($0) } }
        return counter
    }

    private func count(_ lines: [String]) -> EntryCounter {
        count(Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    @Test func recordedShapes() throws {
        let counter = count(try fixtureBytes("shapes.log"))
        // The parts of a line are one entry, and so is the Java trace with its cause.
        #expect(counter.counts == [.error: 1, .unknown: 12])
        #expect(counter.malformed == 0)
    }

    @Test func recordedService() throws {
        let bytes = try fixtureBytes("control.log")
        let counter = count(bytes)
        #expect(counter.counts == [.info: 27, .warn: 3])
        #expect(counter.malformed == 0)
    }

    @Test func partsOfTwoStreamsMix() {
        let time = "2026-11-24T22:38:00.1Z"
        let counter = count([
            "\(time) stdout P ERROR a", "\(time) stderr P WARN b", "\(time) stdout P INFO a",
            "\(time) stdout F DEBUG a",
            "\(time) stderr F b", "\(time) stderr F INFO c",
        ])
        #expect(counter.counts == [.error: 1, .warn: 1, .info: 1])
    }

    @Test(arguments: [
        "", "x", "2026-11-24T22:38:00.1Z", "2026-11-24T22:38:00.1Z stdout", "2026-11-24T22:38:00.1Z stdxxx F a",
        "2026-11-24T22:38:00.1Z stdout X a", "2026 stdout F a", "2026-11-24T22:38:00.1Z stdout ",
    ])
    func otherForms(line: String) {
        var counter = EntryCounter()
        _ = Array(line.utf8).withUnsafeBytes { counter.take($0) }
        #expect(counter.malformed == 1)
        #expect(counter.counts.isEmpty)
    }

    @Test func tagsBehindAColon() {
        #expect(count(["2026-11-24T22:38:00.1Z stdout F:x INFO a"]).counts == [.info: 1])
    }
}

func fixtureBytes(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
    return Array(try Data(contentsOf: folder.appendingPathComponent("Fixtures/logs/\(name)")))
}

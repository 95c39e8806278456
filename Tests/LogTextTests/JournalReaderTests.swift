import Testing
import TocsinTestKit

@testable import LogText

@Suite struct JournalReaderTests {
    /// Entries and what was passed over, of bytes in pieces of some sizes.
    private func read(_ bytes: [UInt8], atStart: Bool = true, sizes: [Int] = [.max]) -> ([JournalEntry], UInt64) {
        var reader = JournalReader(atStart: atStart)
        var entries: [JournalEntry] = []
        var index = 0
        var turn = 0
        while index < bytes.count {
            let end = index + min(sizes[turn % sizes.count], bytes.count - index)
            bytes[index..<end].withUnsafeBytes { reader.take($0) { entries.append($0) } }
            index = end
            turn += 1
        }
        return (entries, reader.malformed)
    }

    private func binary(_ name: String, _ value: [UInt8]) -> [UInt8] {
        let length = UInt64(value.count)
        return Array("\(name)\n".utf8) + (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + value + [10]
    }

    private var sample: [UInt8] {
        Array(
            """
            __CURSOR=s=1;i=2
            __REALTIME_TIMESTAMP=1795562990000000
            PRIORITY=6
            SYSLOG_IDENTIFIER=shopd
            _SYSTEMD_UNIT=shop.service
            MESSAGE=ERROR a=b
            _PID=1

            PRIORITY=3
            SYSLOG_IDENTIFIER=kernel

            """.utf8) + binary("MESSAGE", Array("first\n\nMESSAGE=second".utf8)) + [10]
    }

    private let expected = [
        JournalEntry(message: Array("ERROR a=b".utf8), level: .info, unit: "shop.service"),
        JournalEntry(message: Array("first\n\nMESSAGE=second".utf8), level: .error, unit: "kernel"),
    ]

    @Test(arguments: [[Int.max], [1], [2, 3], [7], [64, 1]])
    func entriesInPieces(sizes: [Int]) {
        let (entries, malformed) = read(sample, sizes: sizes)
        #expect(entries == expected)
        #expect(malformed == 0)
    }

    @Test func aStartInside() {
        let (entries, _) = read(Array(sample.dropFirst(30)), atStart: false)
        #expect(entries == [expected[1]])
    }

    @Test func whatCannotBeIsPassedOver() {
        let long = Array("MESSAGE\n".utf8) + Array(repeating: 0xFF, count: 8)
        let bad: [[UInt8]] = [
            Array("no field\nX=1\n\n".utf8), long + Array("x\ny\n\n".utf8), binary("A", [1]).dropLast() + [1, 10, 10],
        ]
        for bytes in bad {
            let (entries, malformed) = read(bytes + sample)
            #expect(entries == expected, "\(bytes)")
            #expect(malformed == 1)
        }
    }

    @Test func memoryIsBounded() {
        let value = [UInt8](repeating: 65, count: 1 << 20)
        let (entries, malformed) = read(
            binary("MESSAGE", value) + Array("MESSAGE=".utf8) + value + Array("\n\n".utf8) + sample)
        #expect(entries.map(\.message.count) == [JournalReader.valueBytesMax - 8, 9, 21])
        #expect(malformed == 0)
    }

    @Test func aWriterThatGoes() {
        var reader = JournalReader()
        var entries: [JournalEntry] = []
        for piece in ["MESSAGE=a\n", "\nMESSAGE=b\nPRIO"] {
            Array(piece.utf8).withUnsafeBytes { reader.take($0) { entries.append($0) } }
        }
        reader.reset()
        sample.withUnsafeBytes { reader.take($0) { entries.append($0) } }
        #expect(entries == [JournalEntry(message: Array("a".utf8))] + expected)
        #expect(reader.malformed == 1)
    }

    /// Damaged journals in random pieces: no trap, and the same entries whatever the pieces.
    @Test func anyBytes() {
        var random = SeededRandom(seed: 21)
        for _ in 0..<4000 {
            var bytes = sample + sample
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...30, using: &random)))
                }
            }
            let atStart = Bool.random(using: &random)
            let whole = read(bytes, atStart: atStart)
            let sizes = (0..<5).map { _ in Int.random(in: 1...40, using: &random) }
            #expect(read(bytes, atStart: atStart, sizes: sizes) == whole)
            #expect(
                whole.0.allSatisfy { $0.message.count <= JournalReader.valueBytesMax && $0.unit.utf8.count <= 128 * 3 })
        }
    }
}

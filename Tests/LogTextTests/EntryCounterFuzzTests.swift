import Testing
import TocsinTestKit

@testable import LogText

/// Damaged lines: no trap, each line is one thing, and no text leaves the line.
@Suite struct EntryCounterFuzzTests {
    @Test(arguments: [EntryCounter.Form.container, .plain])
    func anyLine(form: EntryCounter.Form) {
        var random = SeededRandom(seed: 31)
        let good = Array("2026-11-24T22:38:00.357313362Z stderr F ERROR [main] o.e.Orders : failed".utf8)
        var counter = EntryCounter(form)
        var (entries, others, malformed) = (UInt64(0), 0, UInt64(0))
        for _ in 0..<20_000 {
            var line = random.bytes(Int.random(in: 0...80, using: &random))
            if Bool.random(using: &random) {
                line = Array(good.prefix(Int.random(in: 0...good.count, using: &random)))
                for _ in 0..<Int.random(in: 0...3, using: &random) where !line.isEmpty {
                    line[Int.random(in: line.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            line.withUnsafeBytes { bytes in
                switch counter.take(bytes) {
                case .malformed: malformed += 1
                case .part: others += 1
                case .continuation(let text), .entry(_, let text):
                    if !text.isEmpty, let start = bytes.baseAddress, let first = text.baseAddress {
                        #expect(first >= start && first + text.count <= start + bytes.count)
                    }
                }
                if case .entry = EntryCounter(form).taking(bytes) { entries += 1 }
            }
        }
        #expect(counter.malformed == malformed)
        #expect(counter.counts.values.reduce(0, +) <= entries)
        #expect(form == .container ? malformed > 0 : malformed == 0)
    }
}

extension EntryCounter {
    /// What a line would be to a counter that has seen none.
    fileprivate func taking(_ line: UnsafeRawBufferPointer) -> LogLine {
        var copy = self
        return copy.take(line)
    }
}

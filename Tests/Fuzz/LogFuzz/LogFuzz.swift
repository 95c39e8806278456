import FuzzSupport
import LogText
import Telemetry

/// One input: a container's log in the form of the container runtime interface, and the same bytes as a journal.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLog(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Fuzz.bytes(start, size)
    var counter = EntryCounter(.container)
    var block = KeyBlock()
    let redactor = Redactor()
    var book = PatternBook<Int>(minersMax: 4, patternsMax: 16)
    let now = Timestamp(seconds: 1_700_000_000)
    book.begin(0, at: now)
    for line in bytes.split(separator: 10) {
        Array(line).withUnsafeBytes { line in
            guard case .entry(_, let text) = counter.take(line) else { return }
            block.follow(text)
            let redacted = redactor.redact(Array(text), block: &block)
            precondition(redacted.text.utf8.count <= Redactor.textBytesMax + 64)
            Fuzz.canary(!redacted.counts.isEmpty)
            _ = book.take(redacted.text, of: 0, at: now)
        }
    }
    precondition(book.count <= 16)
    var journal = JournalReader()
    // In two pieces: what a pipe gives ends anywhere.
    let middle = bytes.count / 2
    for piece in [bytes[..<middle], bytes[middle...]] {
        Array(piece).withUnsafeBytes {
            journal.take($0) { precondition($0.message.count <= JournalReader.valueBytesMax) }
        }
    }
    return 0
}

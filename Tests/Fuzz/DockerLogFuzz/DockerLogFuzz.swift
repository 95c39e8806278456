import FuzzSupport
import LogText
import Telemetry

/// One input: a log in the form of Docker's json-file driver, each line also cut off at every place.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzDockerLog(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var reader = DockerLineReader()
    var counter = EntryCounter(.plain)
    var lines: UInt64 = 0
    var texts: UInt64 = 0
    for line in Fuzz.bytes(start, size).split(separator: 10, omittingEmptySubsequences: false) {
        let line = Array(line)
        // Every place of a short line, a few of a long one.
        for end in stride(from: line.count, through: 0, by: -max(1, line.count / 32)) {
            lines += 1
            Array(line[..<end]).withUnsafeBytes { line in
                reader.read(line) { text in
                    texts += 1
                    // A character of three bytes stands for six of an escape at least, but for one that is cut off.
                    precondition(text.count <= line.count + 3)
                    precondition(text.last != 10 && text.last != 13)
                    if case .entry(_, let entry) = counter.take(text) { precondition(entry.count <= text.count) }
                }
            }
        }
        Fuzz.canary(texts > 0 && line.count > 40 && line.contains(UInt8(ascii: "\\")))
    }
    precondition(texts + reader.malformed == lines)
    return 0
}

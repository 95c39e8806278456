import CellCodec
import Glibc
import SampleCodec

/// One input of the fuzzer: blocks of cells of one chain, each with two bytes of length before it.
///
/// Checksums and the place in the chain are put right, so that damage gets past them into the columns.
///
/// With `TOCSIN_FUZZ_CANARY` in the environment a malformed block after a sound one is a crash: it must be found.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCells(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var rest = [UInt8](UnsafeBufferPointer(start: start, count: size))[...]
    var decoder = CellBlockDecoder(limits: Fuzz.limits)
    var tape = CellTape()
    var last: [UInt8]?
    var index: UInt8 = 0
    while rest.count > 2 {
        let length = Int(rest.removeFirst()) | Int(rest.removeFirst()) << 8
        var block = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
        if block.count > Fuzz.previousAt + 8 {
            block.removeLast(4)
            if let last, block[Fuzz.indexAt] != 0 {
                block[Fuzz.indexAt] = index & 0x7F
                block.replaceSubrange(Fuzz.previousAt..<Fuzz.previousAt + 4, with: last)
            }
            block += Fuzz.little(CRC32.checksum(block))
        }
        let before = (tape.points.count, tape.sweeps.count)
        do {
            try decoder.decode(block, onto: &tape)
            precondition(tape.points.count - before.0 <= Fuzz.limits.points)
            precondition(tape.sweeps.allSatisfy { $0.after <= tape.points.count })
            last = Array(block.suffix(4))
            index = block[Fuzz.indexAt] + 1
        } catch {
            precondition(!error.message.isEmpty && before == (tape.points.count, tape.sweeps.count))
            if Fuzz.hasCanary, last != nil, error.code == .malformed { fatalError("canary") }
        }
    }
    // What was read can be written, and reads the same.
    var encoder = CellBlockEncoder(limits: Fuzz.limits)
    guard !tape.isEmpty, encoder.append(tape) == 0, let block = encoder.seal() else { return 0 }
    var again = CellTape()
    var reader = CellBlockDecoder()
    do {
        try reader.decode(block, onto: &again)
        precondition(again.points.count == tape.points.count && again.sweeps == tape.sweeps)
    } catch {
        preconditionFailure("a block that was written cannot be read: \(error)")
    }
    return 0
}

enum Fuzz {
    static let limits = CellBlockLimits(
        blockBytes: 1 << 16, bodyBytes: 1 << 16, points: 4096, counts: 1 << 16, names: 1024, nameBytes: 256)
    static let hasCanary = getenv("TOCSIN_FUZZ_CANARY") != nil
    /// Where the place in the chain is, and the checksum of the block before, as long as the place takes one byte.
    static let indexAt = 6
    static let previousAt = 7

    static func little(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}

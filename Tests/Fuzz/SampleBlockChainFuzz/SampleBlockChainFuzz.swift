import Glibc
import SampleCodec
import Telemetry

/// One input of the fuzzer: blocks of one chain, each with two bytes of length before it.
///
/// Checksums and the place in the chain are put right, so that damage gets past them into the models.
///
/// With `TOCSIN_FUZZ_CANARY` in the environment a malformed block after a sound one is a crash: it must be found.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzSampleBlockChain(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var rest = [UInt8](UnsafeBufferPointer(start: start, count: size))[...]
    var decoder = SampleBlockChainDecoder(limits: Fuzz.limits)
    var columns = SampleColumns()
    var chain: (id: [UInt8], last: [UInt8])?
    while rest.count > 2 {
        let length = Int(rest.removeFirst()) | Int(rest.removeFirst()) << 8
        var block = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
        if block.count > 9 {
            block.removeLast(4)
            if let chain, block[5] & 1 == 0 { Fuzz.place(&block, id: chain.id, last: chain.last) }
            block += Fuzz.little(CRC32.checksum(block))
        }
        do {
            try decoder.decode(block, into: &columns)
            precondition(columns.count <= Fuzz.limits.samples && decoder.series.count <= Fuzz.limits.series)
            precondition(columns.series.allSatisfy { Int($0) < decoder.series.count })
            let checksum = Array(block.suffix(4))
            chain = (block[5] & 1 == 1 ? checksum : chain?.id ?? checksum, checksum)
        } catch {
            precondition(!error.message.isEmpty && columns.isEmpty)
            if Fuzz.hasCanary, chain != nil, error.code == .malformed { fatalError("canary") }
        }
    }
    return 0
}

enum Fuzz {
    static let limits = SampleBlockLimits(
        blockBytes: 1 << 16, bodyBytes: 1 << 16, samples: 4096, series: 1024, labels: 4096, stringBytes: 256)
    static let hasCanary = getenv("TOCSIN_FUZZ_CANARY") != nil

    static func little(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// Puts the chain's name and the last checksum where a block has them.
    static func place(_ block: inout [UInt8], id: [UInt8], last: [UInt8]) {
        var offset = 6
        func skipVarint() -> Bool {
            let start = offset
            while offset < block.count, block[offset] >= 0x80 { offset += 1 }
            offset += 1
            return offset <= block.count && !(offset == start + 1 && block[start] == 0)
        }
        if skipVarint() {
            _ = skipVarint()
            _ = skipVarint()
        }
        guard offset + 4 < block.count else { return }
        block.replaceSubrange(offset..<offset + 4, with: id)
        offset += 4
        _ = skipVarint()
        guard offset + 4 <= block.count else { return }
        block.replaceSubrange(offset..<offset + 4, with: last)
    }
}

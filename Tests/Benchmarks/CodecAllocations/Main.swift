import AllocationCounter
import BenchSupport
import Foundation
import SampleCodec
import Telemetry

/// `codec-allocations`: counts the allocator's calls in steady loops of encoding and decoding chained blocks.
///
/// Ends with 1 when a block of ten times the samples takes more of them than a small one, or when the canary, which
/// allocates for each sample, is not seen.
@main
enum Main {
    static func main() throws {
        let (small, large) = try (count(series: 200), count(series: 2000))
        let canary = allocations { for number in 0..<1000 { blackHole(String(repeating: "x", count: 40 + number)) } }
        BenchResults.say("series  encode  decode   (allocations a block)")
        for (series, counts) in [(200, small), (2000, large)] {
            BenchResults.say("\(series)  \(counts.encode)  \(counts.decode)")
        }
        BenchResults.say("canary \(canary) for 1000 samples")
        guard canary >= 1000 else { throw Fault(text: "the canary was not seen: nothing is counted") }
        // A block's own bytes are one allocation, which may grow a few times: none of that is a sample's.
        guard large.encode <= small.encode + 8, large.decode <= small.decode + 8 else {
            throw Fault(text: "allocations grow with the samples")
        }
    }

    struct Fault: Error {
        var text: String
    }

    /// Allocations a block after thirty rounds, with every value changing.
    private static func count(series: Int) throws -> (encode: Double, decode: Double) {
        var encoder = SampleBlockChainEncoder(blocksPerChain: 1000)
        var decoder = SampleBlockChainDecoder()
        var columns = SampleColumns()
        var decoded = SampleColumns()
        let numbers = try (0..<series).map { try encoder.intern(Series("s", ["n": "\($0)"])) }
        var (encode, decode) = (0, 0)
        for round in 0..<130 {
            columns.removeAll()
            for number in numbers {
                let value = (Double(round) * 1.7 + Double(number)).squareRoot()
                columns.append(series: number, millis: Int64(round) * 10_000, value: value)
            }
            var block: [UInt8] = []
            let encoding = try allocations { block = try encoder.encode(columns) }
            let decoding = try allocations { try decoder.decode(block, into: &decoded) }
            if round >= 30 { (encode, decode) = (encode + encoding, decode + decoding) }
        }
        return (Double(encode) / 100, Double(decode) / 100)
    }

    private static func allocations(_ body: () throws -> Void) rethrows -> Int {
        let before = allocation_count()
        try body()
        return Int(allocation_count() - before)
    }

    @inline(never)
    private static func blackHole(_ text: String) {
        if text.isEmpty { BenchResults.say(text) }
    }
}

import BenchSupport
import Foundation
import SampleCodec
import Telemetry

/// Bytes and CPU time of a workload as chained blocks, one chain a stream and one block a round.
struct Measurement {
    var bytes = 0
    var samples = 0
    var encodeSeconds = 0.0
    var decodeSeconds = 0.0
    var keyframeBytesPerSeries = 0.0

    var bytesPerSample: Double { Double(bytes) / Double(samples) }

    /// Writes and reads all rounds, and compares bit by bit; seconds are user and system time a million samples.
    static func run(_ workload: Workload, skipping warmUp: Int) throws -> Measurement {
        var measurement = Measurement()
        var (encoding, decoding, timed) = (0.0, 0.0, 0)
        for stream in workload.streams {
            var encoder = SampleBlockChainEncoder()
            var decoder = SampleBlockChainDecoder()
            let numbers = try stream.series.map { try encoder.intern($0) }
            var decoded = SampleColumns()
            var columns = SampleColumns()
            for (round, samples) in stream.rounds.enumerated() {
                columns.removeAll()
                for sample in samples {
                    columns.append(series: numbers[sample.series], millis: sample.millis, value: sample.value)
                }
                let start = cpuSeconds()
                let block = try encoder.encode(columns)
                let middle = cpuSeconds()
                try decoder.decode(block, into: &decoded)
                let end = cpuSeconds()
                try compare(samples, decoded, stream, decoder)
                if round == 0 { measurement.keyframeBytesPerSeries = Double(block.count) / Double(samples.count) }
                guard round >= warmUp else { continue }
                measurement.bytes += block.count
                measurement.samples += samples.count
                encoding += middle - start
                decoding += end - middle
                timed += samples.count
            }
        }
        measurement.encodeSeconds = encoding / Double(timed) * 1e6
        measurement.decodeSeconds = decoding / Double(timed) * 1e6
        return measurement
    }

    private static func compare(
        _ samples: [(series: Int, millis: Int64, value: Double)], _ decoded: SampleColumns, _ stream: Workload.Stream,
        _ decoder: borrowing SampleBlockChainDecoder
    ) throws {
        let series = decoder.series.all
        for (position, sample) in samples.enumerated() {
            guard decoded.times[position] == sample.millis, decoded.bits[position] == sample.value.bitPattern,
                series[Int(decoded.series[position])] == stream.series[sample.series]
            else { throw Workload.Fault(message: "\(stream.name): sample \(position) came back as another") }
        }
        guard decoded.count == samples.count else { throw Workload.Fault(message: "\(stream.name): another count") }
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

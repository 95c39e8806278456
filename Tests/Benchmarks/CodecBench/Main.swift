import BenchSupport
import Foundation
import SampleCodec

/// `CodecBench FLEET-DIRECTORY [RECORDED-TEXT…] [--results FILE]`: bytes and CPU of sample blocks, written as chains.
@main
enum Main {
    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        var results = BenchResults.standardPath
        if let place = arguments.firstIndex(of: "--results"), place + 1 < arguments.count {
            results = arguments[place + 1]
            arguments.removeSubrange(place...place + 1)
        }
        guard let fleet = arguments.first else {
            FileHandle.standardError.write(
                Data("usage: CodecBench FLEET-DIRECTORY [RECORDED-TEXT…] [--results FILE]\n".utf8))
            exit(2)
        }
        var figures: [String: Double] = [:]
        let workload = try Workload.fleet(fleet)
        // Rounds 31 on: the first thirty are the warm-up of every figure.
        let run = try Measurement.run(workload, skipping: 30)
        figures["block_bytes_per_sample_steady"] = run.bytesPerSample
        figures["encode_cpu_s_per_million"] = run.encodeSeconds
        figures["decode_cpu_s_per_million"] = run.decodeSeconds
        figures["block_keyframe_bytes_per_series"] = run.keyframeBytesPerSeries
        let recorded = Array(arguments.dropFirst())
        if !recorded.isEmpty {
            var (bytes, samples) = (0, 0)
            for path in recorded {
                let one = try Measurement.run(Workload.recorded(path), skipping: 0)
                let name = URL(filePath: path).deletingPathExtension().lastPathComponent
                figures["recorded_block_bytes_per_sample_\(name)"] = one.bytesPerSample
                bytes += one.bytes
                samples += one.samples
            }
            figures["recorded_block_bytes_per_sample"] = Double(bytes) / Double(samples)
        }
        var all = try BenchResults(path: results)
        try all.add(figures)
    }
}

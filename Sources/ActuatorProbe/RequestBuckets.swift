import PrometheusProbe
import Telemetry

/// The buckets of `http_server_requests_seconds` of one look, summed by bound.
///
/// Micrometer counts cumulatively, so sums over label sets are a histogram of their requests. With
/// `percentiles-histogram` switched on it gives 68 bounds from 1 ms to 30 s, and those of `slo` beside them.
struct RequestBuckets {
    private var counts: [String: Double] = [:]
    /// Lines of bounds beyond `readMax`.
    private var leftOut = 0

    /// Finite bounds that are sent; of more every second, third … one is, from the greatest down.
    static let boundsMax = 128
    /// Bounds that are told apart.
    static let readMax = 1024

    /// Adds a line; one without a bound is passed over.
    mutating func add(_ line: PrometheusText.Line) {
        guard let bound = line.labels["le"] else { return }
        guard counts[bound] != nil || counts.count < Self.readMax else {
            leftOut += 1
            return
        }
        counts[bound, default: 0] += line.value
    }

    /// One sample a bound, ascending; and how many bounds were left out, if any were.
    func samples(labels: LabelSet, at time: Timestamp) -> [Sample] {
        var bounds: [(text: String, value: Double)] = []
        for text in counts.keys {
            if text == "+Inf" { continue }
            if let value = Double(text), value.isFinite { bounds.append((text, value)) }
        }
        // The one of all requests alone tells nothing that `_count` does not.
        guard !bounds.isEmpty else { return [] }
        bounds.sort { $0.value < $1.value }
        let each = (bounds.count + Self.boundsMax - 1) / Self.boundsMax
        let kept = bounds.enumerated().filter { (bounds.count - 1 - $0.offset) % each == 0 }.map(\.element.text)
        let all = counts["+Inf"] == nil ? [] : ["+Inf"]
        var samples = (kept + all).map { text in
            Sample(
                Series("http_server_requests_seconds_bucket", LabelSet([Label("le", text)]).merging(labels)), time,
                counts[text] ?? 0)
        }
        let missing = bounds.count - kept.count + leftOut
        if missing > 0 { samples.append(Sample(Series("actuator_buckets_left_out", labels), time, Double(missing))) }
        return samples
    }
}

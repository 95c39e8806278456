import Telemetry

/// Whether a target has begun to count server errors.
///
/// Pure. A target that counts some in each look is in no new trouble, so its looks are neither hurried nor more.
struct TroubleSign: Sendable {
    /// Looks in a row that found new errors.
    private(set) var looks = 0
    private var errors: Double?

    /// Whether errors are so new that nobody should wait for them: the look that found the first, and the next.
    var isFresh: Bool { looks == 1 || looks == 2 }

    /// Takes the samples of a look that succeeded.
    mutating func take(_ samples: [Sample]) {
        var sum = 0.0
        for sample in samples where Self.countsErrors(sample.series) && sample.value > 0 { sum += sample.value }
        // A counter that fell began anew; what it says by now is new.
        let isNew = errors.map { sum > $0 || (sum < $0 && sum > 0) } ?? false
        errors = sum
        looks = isNew ? looks + 1 : 0
    }

    /// As the signals tell errors: the status decides only where there is no outcome.
    private static func countsErrors(_ series: Series) -> Bool {
        guard series.metric == "http_server_requests_seconds_count" else { return false }
        if let outcome = series.labels["outcome"] { return outcome == "SERVER_ERROR" }
        guard let status = series.labels["status"] else { return false }
        return status.utf8.count == 3 && status.utf8.first == UInt8(ascii: "5")
    }
}

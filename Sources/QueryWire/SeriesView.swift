import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// The points of one series, ascending by time.
package struct SeriesView: Hashable, Sendable {
    /// Points in one message at most; with 16 bytes a point and 253-byte labels a message stays far below gRPC's 4 MiB.
    package static let pointsPerMessageMax = 4096

    /// The cluster that the series was seen in.
    package var cluster: String
    /// The series.
    package var series: Series
    /// Times of the points.
    package var timestamps: [Timestamp]
    /// Values of the points, as many as times.
    ///
    /// NaN marks the end of the series.
    package var values: [Double]

    /// Makes a series; there must be as many times as values.
    package init(cluster: String = "", series: Series, timestamps: [Timestamp] = [], values: [Double] = []) {
        precondition(timestamps.count == values.count, "\(timestamps.count) times for \(values.count) values")
        self.cluster = cluster
        self.series = series
        self.timestamps = timestamps
        self.values = values
    }

    /// Reads one part; throws `invalidArgument` when it has not as many times as values.
    package init(_ proto: Tocsin_V1_QuerySamplesResponse) throws(QueryError) {
        guard proto.timestampsMillis.count == proto.values.count else {
            throw QueryError(
                .invalidArgument,
                "\(proto.metric) came with \(proto.timestampsMillis.count) times for \(proto.values.count) values")
        }
        self.init(
            cluster: proto.cluster,
            series: Series(proto.metric, LabelSet(proto.labels.map { Label($0.name, $0.value) })),
            timestamps: proto.timestampsMillis.map { Timestamp(millis: $0) }, values: proto.values)
    }

    /// The messages that carry this series, in order; one without points when there are none.
    package var protos: [Tocsin_V1_QuerySamplesResponse] {
        let starts = Array(stride(from: 0, to: max(values.count, 1), by: Self.pointsPerMessageMax))
        return starts.map { start in
            let range = start..<min(start + Self.pointsPerMessageMax, values.count)
            return .with {
                $0.cluster = cluster
                $0.metric = series.metric
                $0.labels = series.labels.labels.map { label in
                    .with {
                        $0.name = label.name
                        $0.value = label.value
                    }
                }
                $0.timestampsMillis = timestamps[range].map(\.millis)
                $0.values = Array(values[range])
            }
        }
    }

    /// Puts a further part of the same series at the end.
    package mutating func append(_ part: SeriesView) {
        precondition(part.cluster == cluster && part.series == series, "a part of \(part.series) is none of \(series)")
        timestamps += part.timestamps
        values += part.values
    }
}

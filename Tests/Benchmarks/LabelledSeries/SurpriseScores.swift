import Detection
package import Telemetry

/// The adaptive detector over whole recordings, row by row, as it would have met them.
package enum SurpriseScores {
    /// A de-duplicated score for each row: 0, or what an alarm there is worth.
    package static func ofSeries(_ values: [Double], at times: [Timestamp]) -> [Double] {
        var model = SurpriseModel()
        return values.indices.map { row in
            // How far apart rows are is known from the one before; the first stands for itself.
            let step = row == 0 ? .seconds(3600) : max(.seconds(1), times[row] - times[row - 1])
            return model.take(values[row], at: times[row], step: step)?.alarm ?? 0
        }
    }

    /// The same for a table: where several columns alarm within twelve rows the first is told, and one twice as odd.
    package static func ofTable(_ table: SeriesTable) -> [Double] {
        let columns = table.columns.map { ofSeries($0.values, at: table.times) }
        guard columns.count > 1 else { return columns.first ?? table.times.map { _ in 0 } }
        var last = (row: -1_000_000, score: 0.0)
        return table.times.indices.map { row in
            let score = columns.reduce(0) { max($0, $1[row]) }
            guard score > 0, row - last.row > 12 || score >= 2 * last.score else { return 0 }
            last = (row, score)
            return score
        }
    }
}

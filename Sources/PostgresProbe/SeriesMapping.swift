import PostgresClient
import Telemetry

/// A series without its target's identity labels, and its value.
typealias SeriesValue = (series: Series, value: Double)

/// How the columns of a statement become series: some are labels, the others values.
struct SeriesMapping: Hashable, Sendable {
    /// A column with the metric that its values belong to.
    struct Metric: Hashable, Sendable {
        /// Name of the column.
        var column: String
        /// Name of the metric.
        var metric: String
    }

    /// Columns that become labels of the same name; a NULL is no label.
    var labels: [String]
    /// Columns that become values; a NULL is no sample.
    var metrics: [Metric]

    init(labels: [String] = [], _ metrics: KeyValuePairs<String, String>) {
        self.labels = labels
        self.metrics = metrics.map { Metric(column: $0.key, metric: $0.value) }
    }

    /// The labels of one row.
    func labelSet(_ rows: PostgresRows, row: Int) -> LabelSet {
        LabelSet(labels.compactMap { name in rows.text(name, row: row).map { Label(name, $0) } })
    }

    /// The series and values of an answer; a column that it lacks is passed over.
    func values(_ rows: PostgresRows) -> [SeriesValue] {
        rows.rows.indices.flatMap { row -> [SeriesValue] in
            let labels = labelSet(rows, row: row)
            return metrics.compactMap { metric in
                rows.number(metric.column, row: row).map { (Series(metric.metric, labels), $0) }
            }
        }
    }
}

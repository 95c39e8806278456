package import Telemetry

extension SignalEngine {
    /// The metrics that signals read, ascending: what is wanted of stored samples to derive the signals again.
    package static var metrics: [String] { SeriesRole.metrics }

    /// Whether a signal reads a series, by its metric and its labels.
    package static func reads(_ series: Series) -> Bool {
        SeriesRole.candidate(metric: series.metric).flatMap { SeriesRole.refine($0, labels: series.labels) } != nil
    }
}

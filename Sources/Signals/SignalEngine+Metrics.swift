extension SignalEngine {
    /// The metrics that signals read, ascending: what is wanted of stored samples to derive the signals again.
    package static var metrics: [String] { SeriesRole.metrics }
}

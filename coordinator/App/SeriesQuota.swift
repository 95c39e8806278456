import Synchronization
import Telemetry

/// How many different series each agent may bring in an hour: an agent, or what it probes, that invents series without
/// end must not fill the catalogue of all.
///
/// The limit is well above what an agent may have at a time, so that rollouts and restarts, which end series and begin
/// others, stay below it.
final class SeriesQuota: Sendable {
    /// The hour counts from the first series in it.
    static let window: Duration = .seconds(3600)

    private struct Hour {
        var startedAt: Timestamp
        /// Hashes with the process' own seed: nobody outside can choose two series that are taken for one.
        var series: Set<Int> = []
    }

    private let seriesMax: Int
    private let hours = Mutex<[FleetRegistry.AgentKey: Hour]>([:])

    init(seriesMax: Int) {
        self.seriesMax = seriesMax
    }

    /// Takes the series that a block defines.
    ///
    /// - Returns: positions of those that are one too many; nil when there are none.
    func refused(_ series: some Sequence<Series>, of agent: FleetRegistry.AgentKey, now: Timestamp) -> Set<Int>? {
        hours.withLock { hours in
            var hour = hours.removeValue(forKey: agent) ?? Hour(startedAt: now)
            if now - hour.startedAt >= Self.window { hour = Hour(startedAt: now) }
            var refused: Set<Int> = []
            for (position, series) in series.enumerated() {
                let hash = series.hashValue
                if hour.series.count < seriesMax {
                    hour.series.insert(hash)
                } else if !hour.series.contains(hash) {
                    refused.insert(position)
                }
            }
            hours[agent] = hour
            return refused.isEmpty ? nil : refused
        }
    }
}

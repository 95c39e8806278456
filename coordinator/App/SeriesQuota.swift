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
        var series = HashesSeen()
    }

    private let seriesMax: Int
    private let hours = Mutex<[FleetRegistry.AgentKey: Hour]>([:])

    init(seriesMax: Int) {
        self.seriesMax = seriesMax
    }

    /// Agents of whom series are held.
    var agents: Int { hours.withLock { $0.count } }

    /// Forgets the hours that are over: of agents that are gone nothing else would.
    func forget(now: Timestamp) {
        hours.withLock { hours in hours = hours.filter { now - $0.value.startedAt < Self.window } }
    }

    /// Takes the series that a block defines.
    ///
    /// - Returns: positions of those that are one too many; nil when there are none.
    func refused(_ series: SeriesList, of agent: FleetRegistry.AgentKey, now: Timestamp) -> Set<Int>? {
        hours.withLock { hours in
            var hour = hours.removeValue(forKey: agent) ?? Hour(startedAt: now)
            if now - hour.startedAt >= Self.window { hour = Hour(startedAt: now) }
            var refused: Set<Int> = []
            var new: Set<UInt32> = []
            for position in series.indices {
                let hash = HashesSeen.hash(of: series, position)
                if new.contains(hash) || hour.series.contains(hash) { continue }
                if hour.series.count + new.count < seriesMax {
                    new.insert(hash)
                } else {
                    refused.insert(position)
                }
            }
            hour.series.add(new)
            hours[agent] = hour
            return refused.isEmpty ? nil : refused
        }
    }
}

/// Which series were seen, by the low half of a hash with the process' own seed: nobody outside can choose two series
/// that are taken for one, and of a hundred thousand one or two are by chance.
///
/// Four bytes a series, ascending: series come by the thousand when a chain begins, and hardly ever after.
private struct HashesSeen {
    private var hashes: [UInt32] = []

    var count: Int { hashes.count }

    static func hash(of series: SeriesList, _ number: Int) -> UInt32 {
        var hasher = Hasher()
        series.hash(number, into: &hasher)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    func contains(_ hash: UInt32) -> Bool {
        var (low, high) = (0, hashes.count)
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low < hashes.count && hashes[low] == hash
    }

    /// Takes in hashes that are not there.
    mutating func add(_ new: Set<UInt32>) {
        guard !new.isEmpty else { return }
        var merged: [UInt32] = []
        merged.reserveCapacity(hashes.count + new.count)
        merged += hashes
        merged += new
        merged.sort()
        hashes = merged
    }
}

import Incidents
import Telemetry

/// When each incident's next page is due, in the order in which they come due: what is due by now is a prefix, so that
/// asking costs next to nothing while nothing is.
struct DueList: Hashable, Sendable {
    /// An incident whose next page is due at a time.
    struct Entry: Hashable, Comparable, Sendable {
        var at: Timestamp
        var incident: IncidentID
        /// Whether it tells that the episode is over, which nothing holds back.
        var isEnd: Bool

        static func < (lhs: Entry, rhs: Entry) -> Bool {
            lhs.at == rhs.at ? lhs.incident < rhs.incident : lhs.at < rhs.at
        }
    }

    /// Ascending; of each incident one at most.
    private var entries: [Entry] = []
    private var known: [IncidentID: Entry] = [:]

    /// Puts down an incident's next page; nil when none will come without a further event.
    mutating func set(_ incident: IncidentID, _ page: Page?) {
        let entry = page.map { Entry(at: $0.dueAt, incident: incident, isEnd: $0.reason == .resolved) }
        let former = known[incident]
        guard former != entry else { return }
        if let former { entries.remove(at: place(of: former)) }
        known[incident] = entry
        if let entry { entries.insert(entry, at: place(of: entry)) }
    }

    /// What is due, the longest due first.
    func due(at now: Timestamp) -> some Sequence<Entry> { entries.lazy.prefix { $0.at <= now } }

    /// Where an entry is, or where it goes.
    private func place(of entry: Entry) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

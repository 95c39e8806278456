import Foundation
import GRDB
import SQLiteFile
import Synchronization
import Telemetry

/// Which series each agent has sent, and which group each belongs to.
///
/// A group is what one chunk holds: a few series of one agent that were defined one after another, so that they are of
/// the same target and share its times. A group never changes; series that come later join the agent's last group while
/// it has room.
///
/// The file has the truth; memory holds a hash and a number a series, so that a frame of known series costs no look-up.
final class SeriesCatalogue: Sendable {
    /// Most series of a group: a query for one series decodes its whole group.
    static let groupSeriesMax = 24
    /// A group of so many is closed where the next target begins.
    static let groupSeriesEnough = 12

    /// Series that memory holds, 12 bytes each; beyond it all are forgotten and looked up in the file again.
    ///
    /// More than any fleet has: each chain names all series of its agent, and a look-up of each costs more than all
    /// the rest.
    static let knownMax = 10_000_000

    private let known = Mutex<[Int64: GroupsByHash]>([:])

    /// What is found out in one transaction, and known once that is committed.
    struct Transaction: Sendable {
        fileprivate let catalogue: SeriesCatalogue
        fileprivate var found: [Int64: [Int64: Int64]] = [:]
        fileprivate var openGroups: [Int64: OpenGroup] = [:]
        fileprivate var metrics: [String: Int64] = [:]

        fileprivate struct OpenGroup {
            var id: Int64
            var size: Int
            var target: String?
        }

        fileprivate init(_ catalogue: SeriesCatalogue) {
            self.catalogue = catalogue
        }
    }

    /// Starts looking up in a transaction; call `remember` once it is committed.
    func begin() -> Transaction { Transaction(self) }

    /// Takes over what a committed transaction found.
    func remember(_ transaction: Transaction) {
        guard !transaction.found.isEmpty else { return }
        known.withLock { known in
            for (agent, groups) in transaction.found { known[agent, default: GroupsByHash()].merge(groups) }
            if known.values.reduce(0, { $0 + $1.count }) > Self.knownMax { known = [:] }
        }
    }

    /// The group of a series, when memory has it.
    func knownGroup(of hash: Int64, agent: Int64) -> Int64? {
        known.withLock { $0[agent]?[hash] }
    }

    /// Forgets what memory holds of agents' series.
    func forget(agents: Set<Int64>) {
        known.withLock { known in for agent in agents { known[agent] = nil } }
    }

    /// Series that memory holds now.
    var knownCount: Int { known.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// Forgets what memory holds: after rows were removed, or a transaction of unknown outcome.
    func forget() {
        known.withLock { $0 = [:] }
    }

    /// The row of an agent, made when it is missing.
    static func agent(cluster: String, node: String, _ database: Database) throws -> Int64 {
        let statement = try database.cachedStatement(sql: "SELECT id FROM agents WHERE cluster = ? AND node = ?")
        if let id = try Int64.fetchOne(statement, arguments: [cluster, node]) { return id }
        try database.execute(sql: "INSERT INTO agents (cluster, node) VALUES (?, ?)", arguments: [cluster, node])
        return database.lastInsertedRowID
    }
}

/// The groups of an agent's series by the hash of each: two columns, ascending by hash, without room to spare.
///
/// A group whose number is too large for its column is not kept; it is looked up in the file each time.
struct GroupsByHash: Sendable {
    private var hashes: [Int64] = []
    private var groups: [UInt32] = []

    var count: Int { hashes.count }

    subscript(hash: Int64) -> Int64? {
        let place = place(of: hash)
        return place < hashes.count && hashes[place] == hash ? Int64(groups[place]) : nil
    }

    /// Takes in others, which win.
    mutating func merge(_ others: [Int64: Int64]) {
        var (merged, groupsMerged): ([Int64], [UInt32]) = ([], [])
        merged.reserveCapacity(hashes.count + others.count)
        groupsMerged.reserveCapacity(hashes.count + others.count)
        var next = 0
        for (hash, number) in others.sorted(by: { $0.key < $1.key }) {
            guard let group = UInt32(exactly: number) else { continue }
            while next < hashes.count, hashes[next] < hash {
                merged.append(hashes[next])
                groupsMerged.append(groups[next])
                next += 1
            }
            if next < hashes.count, hashes[next] == hash { next += 1 }
            merged.append(hash)
            groupsMerged.append(group)
        }
        hashes = merged + hashes[next...]
        groups = groupsMerged + groups[next...]
    }

    private func place(of hash: Int64) -> Int {
        var (low, high) = (0, hashes.count)
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SeriesCatalogue.Transaction {
    /// The group of a series of a list; one that is known is looked up without its name being made.
    mutating func group(
        of list: SeriesList, _ number: Int, agent: Int64, at now: Timestamp, _ database: Database
    ) throws -> Int64 {
        let hash = SeriesIdentity.hash { list.forEachString(of: number, $0) }
        return try known(hash, agent: agent) ?? group(of: list[number], hash, agent: agent, at: now, database)
    }

    /// The group of a series of an agent, with a new row when the series is new.
    mutating func group(of series: Series, agent: Int64, at now: Timestamp, _ database: Database) throws -> Int64 {
        let hash = SeriesIdentity.hash(series)
        return try known(hash, agent: agent) ?? group(of: series, hash, agent: agent, at: now, database)
    }

    private func known(_ hash: Int64, agent: Int64) -> Int64? {
        found[agent]?[hash] ?? catalogue.knownGroup(of: hash, agent: agent)
    }

    private mutating func group(
        of series: Series, _ hash: Int64, agent: Int64, at now: Timestamp, _ database: Database
    ) throws -> Int64 {
        let identity = SeriesIdentity(series)
        let metric = try metric(identity.metric, database)
        let statement = try database.cachedStatement(
            sql: "SELECT group_id FROM series WHERE metric_id = ? AND agent_id = ? AND labels = ?")
        let group: Int64
        if let old = try Int64.fetchOne(statement, arguments: [metric, agent, identity.labels]) {
            group = old
        } else {
            group = try openGroup(for: series, agent: agent, at: now, database)
            try database.cachedStatement(
                sql: "INSERT INTO series (metric_id, agent_id, labels, group_id) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [metric, agent, identity.labels, group])
        }
        found[agent, default: [:]][hash] = group
        return group
    }

    /// The row of a metric; looked up once a transaction, since all agents have the same ones.
    private mutating func metric(_ name: String, _ database: Database) throws -> Int64 {
        if let known = metrics[name] { return known }
        let statement = try database.cachedStatement(sql: "SELECT id FROM metrics WHERE name = ?")
        var id = try Int64.fetchOne(statement, arguments: [name])
        if id == nil {
            try database.execute(sql: "INSERT INTO metrics (name) VALUES (?)", arguments: [name])
            id = database.lastInsertedRowID
        }
        metrics[name] = id
        return id ?? database.lastInsertedRowID
    }

    private mutating func openGroup(
        for series: Series, agent: Int64, at now: Timestamp, _ database: Database
    ) throws -> Int64 {
        let labels = series.labels
        let target = labels[LabelName.pod] ?? labels[LabelName.instance] ?? labels[LabelName.target]
        var open = try openGroups[agent] ?? lastGroup(of: agent, database)
        let isElsewhere = open?.target != target && (open?.size ?? 0) >= SeriesCatalogue.groupSeriesEnough
        if open == nil || isElsewhere || (open?.size ?? 0) >= SeriesCatalogue.groupSeriesMax {
            try database.execute(
                sql: "INSERT INTO series_groups (agent_id, size, noted_at) VALUES (?, 0, ?)",
                arguments: [agent, now.millis])
            open = OpenGroup(id: database.lastInsertedRowID, size: 0, target: target)
        }
        guard var group = open else { throw DatabaseError(resultCode: .SQLITE_INTERNAL) }
        group.size += 1
        group.target = target
        openGroups[agent] = group
        try database.cachedStatement(sql: "UPDATE series_groups SET size = ? WHERE id = ?")
            .execute(arguments: [group.size, group.id])
        return group.id
    }

    private func lastGroup(of agent: Int64, _ database: Database) throws -> OpenGroup? {
        try Row.fetchOne(
            database, sql: "SELECT id, size FROM series_groups WHERE agent_id = ? ORDER BY id DESC LIMIT 1",
            arguments: [agent]
        ).map { try OpenGroup(id: $0.value(at: 0), size: $0.value(at: 1), target: nil) }
    }
}

import Foundation
import GRDB
import SQLiteFile
import Selectors
import Telemetry

/// A series of a cluster: what an answer tells apart.
struct SeriesKey: Hashable, Sendable {
    var cluster: String
    var series: Series
}

/// Which agents and groups an answer is to be read from.
struct QueryPlan: Sendable {
    /// An agent, and whether its frames must be looked through for series that the catalogue doesn't have.
    struct Agent: Sendable {
        var id: Int64
        var cluster: String
        var node: String
        var hasUncatalogued = false
    }

    /// Series that are read together, since they share groups.
    struct Unit: Sendable {
        var agents: [Int64] = []
        var groups: [Int64] = []
        var keys: [SeriesKey] = []
    }

    private(set) var agents: [Int64: Agent] = [:]
    private(set) var places: [SeriesKey: [(agent: Int64, group: Int64)]] = [:]

    /// Chooses from the catalogue.
    static func make(_ query: SampleQuery, _ database: Database) throws -> QueryPlan {
        var plan = QueryPlan()
        for row in try Row.fetchAll(database, sql: "SELECT id, cluster, node FROM agents") {
            let agent = try Agent(id: row.value("id"), cluster: row.value("cluster"), node: row.value("node"))
            if let agents = query.agents, !agents.includes(AgentName(cluster: agent.cluster, node: agent.node)) {
                continue
            }
            plan.agents[agent.id] = agent
        }
        try plan.noteUncatalogued(database)
        for metric in try Row.fetchAll(database, sql: "SELECT id, name FROM metrics") {
            let name: String = try metric.value("name")
            guard query.selector.mayMatch(metric: name) else { continue }
            try plan.choose(metric: metric.value("id"), name, query, database)
        }
        return plan
    }

    private mutating func choose(
        metric id: Int64, _ name: String, _ query: SampleQuery, _ database: Database
    ) throws {
        // Most rows are passed over without being read into a series.
        let parts = query.selector.matchers.compactMap { matcher -> Data? in
            let isOfLabels = matcher.label != SeriesSelector.metricLabel && matcher.label != SeriesSelector.clusterLabel
            guard matcher.comparison == .equal, isOfLabels else { return nil }
            return SeriesIdentity.part(name: matcher.label, value: matcher.value)
        }
        let conditions = parts.map { _ in " AND instr(labels, ?) > 0" }.joined()
        let rows = try Row.fetchCursor(
            database, sql: "SELECT agent_id, group_id, labels FROM series WHERE metric_id = ?" + conditions,
            arguments: StatementArguments([id]) + StatementArguments(parts))
        while let row = try rows.next() {
            guard let agent = try agents[row.value("agent_id")] else { continue }
            let series = try SeriesIdentity.series(metric: name, labels: row.value("labels"))
            guard query.selector.matches(series, cluster: agent.cluster) else { continue }
            try add(
                SeriesKey(cluster: agent.cluster, series: series), agent: agent.id, group: row.value("group_id"), query)
        }
    }

    private mutating func noteUncatalogued(_ database: Database) throws {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT DISTINCT agents.id AS id FROM frames INDEXED BY frames_uncatalogued
                JOIN sessions ON sessions.id = session_id
                JOIN agents ON agents.cluster = sessions.cluster AND agents.node = sessions.node
                WHERE kind = 1 AND is_catalogued = 0
                """)
        for row in rows {
            let id: Int64 = try row.value("id")
            agents[id]?.hasUncatalogued = true
        }
    }

    /// Adds a series; without a group when only frames have it.
    mutating func add(
        _ key: SeriesKey, agent: Int64, group: Int64?, _ query: SampleQuery
    ) throws(StoreError) {
        guard places[key] != nil || places.count < query.seriesMax else {
            throw StoreError(.tooLarge, "more than \(query.seriesMax) series: narrow the selector")
        }
        if places[key]?.contains(where: { $0.agent == agent && (group == nil || $0.group == group) }) == true { return }
        places[key, default: []].append((agent, group ?? -1))
    }

    /// The series in the order in which they are read: agent by agent.
    func units() -> [Unit] {
        var unitOfGroup: [Int64: Int] = [:]
        var units: [Unit?] = []
        for (key, places) in places {
            var unit = Unit()
            unit.keys = [key]
            for place in places {
                unit.agents.append(place.agent)
                guard place.group >= 0, !unit.groups.contains(place.group) else { continue }
                if let other = unitOfGroup[place.group], let joined = units[other] {
                    units[other] = nil
                    unit.agents += joined.agents
                    unit.groups += joined.groups
                    unit.keys += joined.keys
                } else {
                    unit.groups.append(place.group)
                }
            }
            for group in unit.groups { unitOfGroup[group] = units.count }
            units.append(unit)
        }
        let found = units.compactMap { $0.map(Self.sorted) }
        let named = found.map { unit -> (unit: Unit, name: String) in
            (unit, unit.groups.isEmpty ? unit.keys[0].series.description : "")
        }
        return named.sorted { one, other in
            let (agent, group) = (one.unit.agents[0], one.unit.groups.first ?? .max)
            let (otherAgent, otherGroup) = (other.unit.agents[0], other.unit.groups.first ?? .max)
            return (agent, group, one.name) < (otherAgent, otherGroup, other.name)
        }.map(\.unit)
    }

    private static func sorted(_ unit: Unit) -> Unit {
        Unit(
            agents: Set(unit.agents).sorted(), groups: unit.groups.sorted(),
            keys: unit.keys.map { ($0, $0.cluster + "/" + $0.series.description) }.sorted { $0.1 < $1.1 }.map(\.0))
    }
}

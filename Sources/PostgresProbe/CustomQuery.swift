import PostgresClient
import Telemetry

/// A statement of the operator's own, whose columns become series.
///
/// It is read as a subquery, in a transaction that can't write and is undone, by a role that should have no more than
/// `SELECT` on what it reads.
package struct CustomQuery: Hashable, Sendable {
    /// Name, part of the metrics' names: lower-case letters, digits and `_`.
    package var name: String
    /// The statement: a `SELECT`, `VALUES`, `TABLE` or a `WITH` that only reads.
    package var sql: String
    /// Columns that become labels.
    package var labels: [String]
    /// Columns that become values, of the series `sql_NAME_COLUMN`.
    package var values: [String]
    /// Time between two runs; a run starts with a round of the probe.
    package var interval: Duration
    /// The server ends the statement after this long.
    package var timeout: Duration
    /// Rows beyond this are left out, and a remark says so.
    package var rowsMax: Int

    /// Most rows that may be asked for.
    package static let rowsLimit = 1000
    /// Characters of a label beyond this are cut off.
    static let labelLengthMax = 100
    /// The role's own schema and `public`, after the catalogue, which no object can then stand before.
    static let searchPath = "pg_catalog, \"$user\", public"

    /// Makes a query.
    package init(
        name: String, sql: String, labels: [String] = [], values: [String], interval: Duration = .seconds(60),
        timeout: Duration = .seconds(2), rowsMax: Int = 100
    ) {
        self.name = name
        self.sql = sql
        self.labels = labels
        self.values = values
        self.interval = interval
        self.timeout = timeout
        self.rowsMax = min(rowsMax, Self.rowsLimit)
    }
}

extension CustomQuery {
    /// The statement as it is sent: one row more than allowed shows that there are more.
    var statement: String {
        let columns =
            labels.map {
                "left(q.\(QuotedIdentifier.always($0))::text, \(Self.labelLengthMax)) AS \(QuotedIdentifier.always($0))"
            }
            + values.map { "q.\(QuotedIdentifier.always($0))::float8 AS \(QuotedIdentifier.always($0))" }
        let text = sql.reversed().drop { $0 == ";" || $0.isWhitespace }.reversed()
        // The line break ends a comment that the operator's text may end with.
        return "SELECT \(columns.joined(separator: ", ")) FROM (\n\(String(text))\n) AS q LIMIT \(rowsMax + 1)"
    }

    /// Bounds of the answer: by construction no row is larger.
    var limits: PostgresLimits {
        PostgresLimits(
            rowsMax: rowsMax + 1,
            bytesMax: (rowsMax + 1) * (labels.count * Self.labelLengthMax * 4 + values.count * 32))
    }

    var settings: [(name: String, value: String)] {
        [("statement_timeout", String(timeout.wholeMilliseconds)), ("search_path", Self.searchPath)]
    }

    /// What one run found.
    struct Reading: Sendable {
        var values: [SeriesValue]
        var remarks: [String] = []
    }

    /// Series (without identity labels) and values of an answer.
    func reading(_ rows: PostgresRows) -> Reading {
        var reading = Reading(values: [])
        var seen: Set<LabelSet> = []
        var repeated = 0
        for row in rows.rows.indices.prefix(rowsMax) {
            let set = LabelSet(labels.compactMap { name in rows.text(name, row: row).map { Label(name, $0) } })
            guard seen.insert(set).inserted else {
                repeated += 1
                continue
            }
            for column in values {
                guard let value = rows.number(column, row: row) else { continue }
                reading.values.append((Series("sql_\(name)_\(column)", set), value))
            }
        }
        if rows.rows.count > rowsMax {
            reading.remarks.append("Query \"\(name)\" gives more than \(rowsMax) rows: the rest is left out.")
        }
        if repeated > 0 {
            reading.remarks.append(
                "Query \"\(name)\" gives \(repeated) rows whose labels other rows have: the first of each counts.")
        }
        reading.values.append((Series("sql_query_rows", ["query": name]), Double(min(rows.rows.count, rowsMax))))
        return reading
    }

    /// What a failure means to whoever wrote the statement (PostgreSQL documentation, appendix A).
    ///
    /// The server's own text is left out: it may be in any language, and hold data.
    func sentence(_ failure: PostgresFailure, role: String) -> String {
        let reason: String? =
            switch failure.sqlState {
            case "42601", "42704", "42804", "42846": "it is not a statement that can be read from"
            case "42703": "a column that it, 'labels' or 'values' names does not exist"
            case "42P01": "a table that it names does not exist, or is not in schema public"
            case "42883": "a function that it calls does not exist for such arguments"
            case "42501":
                "the role may not read what it names: GRANT SELECT ON … TO \(QuotedIdentifier.quote(role));"
            case "25006": "it writes, which is not allowed here"
            case "0A000": "it does what can't be done in a subquery, such as write"
            case "22P02", "22003": "a column of 'values' is not a number"
            case "57014": "it took longer than its timeout, \(timeout.wholeMilliseconds) ms"
            case "55P03": "it waited for a lock too long"
            default: nil
            }
        guard let reason, let state = failure.sqlState else { return "Query \"\(name)\" failed: \(failure.message)" }
        return "Query \"\(name)\" failed: \(reason) (SQLSTATE \(state))."
    }
}

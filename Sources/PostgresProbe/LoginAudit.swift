import PostgresClient
import Probing
package import Telemetry

/// Where logins are written down: the runbook's `audit_logs`, or a table like it.
package struct LoginAudit: Hashable, Sendable {
    /// A column and the value that it must have.
    package struct Filter: Hashable, Sendable {
        /// Name of the column.
        package var column: String
        /// The value.
        package var value: String

        /// Makes a filter.
        package init(_ column: String, _ value: String) {
            self.column = column
            self.value = value
        }
    }

    /// Table or view, with its schema where that is neither the role's own nor `public`.
    package var table: String
    /// Column with the time of an attempt.
    package var timeColumn: String
    /// Column with the account.
    package var accountColumn: String
    /// Column with the client's address; nil: there is none.
    package var addressColumn: String?
    /// Column that tells logins from other actions, and its value; nil: every row is a login.
    package var action: Filter?
    /// Column with the result.
    package var resultColumn: String
    /// Its value for a login that failed.
    package var failure: String
    /// Its value for a login that succeeded; other values are passed over.
    package var success: String
    /// Column that is unique; nil: the row's place in the table, which a view has not.
    package var keyColumn: String?
    /// Time between two looks; a look starts with a round of the probe.
    package var interval: Duration
    /// The server ends the statement after this long.
    package var timeout: Duration
    /// Labels of the workload whose logins they are; empty: the database's own subject.
    package var labels: LabelSet

    /// Makes a description; the defaults are those of the runbook's table.
    package init(
        table: String = "audit_logs", timeColumn: String = "created_at", accountColumn: String,
        addressColumn: String? = "client_ip", action: Filter? = Filter("action", "LOGIN"),
        resultColumn: String = "result", failure: String = "FAILURE", success: String = "SUCCESS",
        keyColumn: String? = nil, interval: Duration = .seconds(10), timeout: Duration = .seconds(2),
        labels: LabelSet = LabelSet()
    ) {
        self.table = table
        self.timeColumn = timeColumn
        self.accountColumn = accountColumn
        self.addressColumn = addressColumn
        self.resultColumn = resultColumn
        self.failure = failure
        self.success = success
        self.keyColumn = keyColumn
        self.interval = interval
        self.timeout = timeout
        self.labels = labels
        self.action = action
    }
}

extension LoginAudit {
    /// Rows of one look; what is more comes with the next one.
    static let rowsMax = 5000
    /// Characters of an account or address beyond this are cut off.
    static let nameLengthMax = 200

    var limits: PostgresLimits { PostgresLimits(rowsMax: Self.rowsMax, bytesMax: 4 << 20) }

    var settings: [(name: String, value: String)] {
        [
            ("statement_timeout", String(timeout.wholeMilliseconds)), ("search_path", CustomQuery.searchPath),
        ]
    }

    /// The statement; `parameters` has its values.
    ///
    /// The time is compared as it is stored, so that an index on it serves; parameters take the types of their columns.
    var statement: String {
        func name(_ column: String) -> String { QuotedIdentifier.always(column) }
        let key = keyColumn.map { "\(name($0))::text" } ?? "tableoid::text || ctid::text"
        // The text of an `inet` has its mask.
        let address =
            addressColumn.map {
                "coalesce(left(regexp_replace(\(name($0))::text, '/(32|128)$', ''), \(Self.nameLengthMax)), '')"
            } ?? "''"
        let filter = action.map { "AND \(name($0.column)) = $4" } ?? ""
        return """
            SELECT \(key) AS key, extract(epoch FROM \(name(timeColumn))::timestamptz) AS at,
              coalesce(left(\(name(accountColumn))::text, \(Self.nameLengthMax)), '') AS account,
              \(address) AS address, \(name(resultColumn)) = $3 AS succeeded
            FROM \(QuotedIdentifier.path(table))
            WHERE \(name(timeColumn)) >= to_timestamp($1::float8) AND \(name(resultColumn)) IN ($2, $3) \(filter)
            ORDER BY \(name(timeColumn)), 1 LIMIT \(Self.rowsMax)
            """
    }

    func parameters(since: Double) -> [String] {
        [String(since), failure, success] + (action.map { [$0.value] } ?? [])
    }
}

extension LoginTally {
    /// Takes the rows of one look, oldest first; a row that lacks its key, time or result is passed over.
    mutating func take(_ rows: PostgresRows, labels: LabelSet) -> (edges: [Edge], hasMore: Bool) {
        let records = rows.rows.indices.compactMap { row -> LoginRecord? in
            guard let key = rows.text("key", row: row), let at = rows.number("at", row: row),
                let succeeded = rows.flag("succeeded", row: row)
            else { return nil }
            return LoginRecord(
                key: key, at: at, account: rows.text("account", row: row) ?? "",
                address: rows.text("address", row: row) ?? "", isSuccess: succeeded)
        }
        let isFull = rows.rows.count >= LoginAudit.rowsMax
        return (take(records, labels: labels, isFull: isFull), isFull)
    }
}

extension LoginAudit {
    /// What a failure means to whoever described the table.
    func sentence(_ failure: PostgresFailure, role: String) -> String {
        let reason: String? =
            switch failure.sqlState {
            case "42P01": "there is no table \(table) in database and search path"
            case "42703":
                "a column that 'audit' names is not in \(table)"
                    + (keyColumn == nil ? ", or it is a view and needs 'keyColumn'" : "")
            case "42501": "the role may not read it: GRANT SELECT ON \(table) TO \(QuotedIdentifier.quote(role));"
            case "57014":
                "it took longer than \(timeout.wholeMilliseconds) ms; an index may lack: "
                    + "CREATE INDEX CONCURRENTLY ON \(table) (\(timeColumn));"
            case "22P02": "a value of 'audit' is none that its column can have"
            default: nil
            }
        guard let reason, let state = failure.sqlState else { return "Logins could not be read: \(failure.message)" }
        return "Logins could not be read: \(reason) (SQLSTATE \(state))."
    }
}

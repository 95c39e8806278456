import PostgresProbe
import TargetSettings

extension CustomQuery {
    /// The query that a file describes.
    init(_ entry: DatabaseQuerySettings) {
        self.init(
            name: entry.name, sql: entry.sql, labels: entry.labels, values: entry.values, interval: entry.interval,
            timeout: entry.timeout, rowsMax: entry.rowsMax)
    }
}

extension LoginAudit {
    /// The table that a file describes.
    init(_ entry: LoginAuditSettings) {
        self.init(
            table: entry.table, timeColumn: entry.timeColumn, accountColumn: entry.accountColumn,
            addressColumn: entry.addressColumn, action: entry.actionColumn.map { Filter($0, entry.loginAction) },
            resultColumn: entry.resultColumn, failure: entry.failure, success: entry.success,
            keyColumn: entry.keyColumn, interval: entry.interval, timeout: entry.timeout, labels: entry.labels)
    }
}

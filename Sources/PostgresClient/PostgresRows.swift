/// What a statement returned, in text form.
package struct PostgresRows: Hashable, Sendable {
    /// The columns' names in order.
    package var columns: [String]
    /// The rows; a nil is SQL's NULL.
    package var rows: [[String?]]

    /// Makes a result.
    package init(columns: [String] = [], rows: [[String?]] = []) {
        self.columns = columns
        self.rows = rows
    }

    /// The value at a row and a column's name; nil for NULL, an unknown column or a row beyond the end.
    package func text(_ column: String, row: Int = 0) -> String? {
        guard row < rows.count, let index = columns.firstIndex(of: column), index < rows[row].count else { return nil }
        return rows[row][index]
    }

    /// The same as a number; nil also for what is no number.
    package func number(_ column: String, row: Int = 0) -> Double? {
        text(column, row: row).flatMap(Double.init)
    }

    /// The same as a truth value (`t` or `f`); nil for anything else.
    package func flag(_ column: String, row: Int = 0) -> Bool? {
        switch text(column, row: row) {
        case "t": true
        case "f": false
        default: nil
        }
    }
}

/// Bounds on a result; beyond them the session is closed and the statement fails with `FailureClass.body`.
package struct PostgresLimits: Hashable, Sendable {
    /// Most rows.
    package var rowsMax: Int
    /// Most bytes of values.
    package var bytesMax: Int

    /// Makes bounds.
    package init(rowsMax: Int = 1000, bytesMax: Int = 1 << 20) {
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
    }
}

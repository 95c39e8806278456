import CLibpq
import Glibc

/// One statement with its text parameters.
struct PostgresQuery: Sendable {
    var sql: String
    var parameters: [String?]
    var limits: PostgresLimits
}

/// Gathers the rows of one statement, inside its limits.
struct RowCollector {
    let limits: PostgresLimits
    var isDiscarding = false
    private(set) var rows = PostgresRows()
    private(set) var errorState: String?
    private(set) var isBeyondLimits = false
    private var rowCount = 0
    private var byteCount = 0

    init(limits: PostgresLimits) {
        self.limits = limits
    }

    /// Takes one result of single-row mode.
    mutating func add(_ result: OpaquePointer) {
        switch PQresultStatus(result) {
        case PGRES_SINGLE_TUPLE, PGRES_TUPLES_OK:
            takeColumns(result)
            for row in 0..<PQntuples(result) { take(row, of: result) }
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_NONFATAL_ERROR: break
        case PGRES_FATAL_ERROR:
            // An error without SQLSTATE is libpq's own, of a broken connection, and is classed by the connection.
            errorState = PostgresConnection.sqlState(of: result) ?? errorState
        default: isBeyondLimits = true
        }
    }

    private mutating func takeColumns(_ result: OpaquePointer) {
        guard rows.columns.isEmpty else { return }
        rows.columns = (0..<PQnfields(result)).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
    }

    private mutating func take(_ row: Int32, of result: OpaquePointer) {
        rowCount += 1
        var values: [String?] = []
        values.reserveCapacity(rows.columns.count)
        for column in 0..<PQnfields(result) {
            byteCount += Int(PQgetlength(result, row, column))
            let isNull = PQgetisnull(result, row, column) == 1
            values.append(isNull ? nil : PQgetvalue(result, row, column).map { String(cString: $0) })
        }
        isBeyondLimits = isBeyondLimits || rowCount > limits.rowsMax || byteCount > limits.bytesMax
        if !isDiscarding && !isBeyondLimits { rows.rows.append(values) }
    }
}

extension PostgresConnection {
    /// `PG_DIAG_SEVERITY_NONLOCALIZED` and `PG_DIAG_SQLSTATE`: macros that are character literals in C.
    private static let severityField = Int32(UInt8(ascii: "V"))
    private static let stateField = Int32(UInt8(ascii: "C"))

    static func sqlState(of result: OpaquePointer) -> String? {
        PQresultErrorField(result, stateField).map { String(cString: $0) }
    }

    static func isFatal(_ result: OpaquePointer) -> Bool {
        guard let severity = PQresultErrorField(result, severityField).map({ String(cString: $0) }) else {
            return false
        }
        return severity == "FATAL" || severity == "PANIC"
    }

    /// `PQconnectStartParams` with copies of the texts that live just as long as the call; the copies are wiped.
    static func startConnecting(_ parameters: [(name: String, value: String)]) -> OpaquePointer? {
        let copies = parameters.map { (name: strdup($0.name), value: strdup($0.value)) }
        defer {
            for copy in copies {
                if let value = copy.value { explicit_bzero(value, strlen(value)) }
                free(copy.name)
                free(copy.value)
            }
        }
        let names = copies.map { UnsafePointer($0.name) } + [nil]
        let values = copies.map { UnsafePointer($0.value) } + [nil]
        return PQconnectStartParams(names, values, 0)
    }

    /// Sends a statement with its parameters as text.
    static func send(_ query: PostgresQuery, on handle: OpaquePointer) -> Bool {
        let copies = query.parameters.map { $0.map { strdup($0) } ?? nil }
        defer { for copy in copies { free(copy) } }
        let values = copies.map { UnsafePointer($0) }
        return PQsendQueryParams(handle, query.sql, Int32(values.count), nil, values, nil, nil, 0) == 1
    }
}

/// Keeps notices off standard error, and a FATAL that comes outside a statement for the session's epitaph.
let noteFatal: PQnoticeReceiver = { context, result in
    guard let context, let result, PostgresConnection.isFatal(result) else { return }
    // The connection outlives its handle, which is what calls this.
    Unmanaged<PostgresConnection>.fromOpaque(context).takeUnretainedValue().fatalState = PostgresConnection.sqlState(
        of: result)
}

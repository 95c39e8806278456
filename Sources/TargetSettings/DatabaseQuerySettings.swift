import ConfigurationKit
package import Telemetry

/// A statement of the operator's own, whose columns become series.
package struct DatabaseQuerySettings: Hashable, Sendable {
    /// Name, unique among the database's queries; the series are `sql_NAME_COLUMN`.
    package var name: String
    /// The statement.
    package var sql: String
    /// Columns that become labels.
    package var labels: [String]
    /// Columns that become values.
    package var values: [String]
    /// Rows beyond this are left out.
    package var rowsMax: Int
    /// Time between two runs.
    package var interval: Duration
    /// The server ends the statement after this long.
    package var timeout: Duration

    /// Reads one entry of `queries`.
    ///
    /// - Parameter timing: of the database: a query runs inside a round of its probe.
    init(_ section: Section, timing: ProbeTiming) {
        name = section.required(
            "name", .metricPart, "Name, unique among the database's queries; the series are `sql_NAME_COLUMN`.")
        sql = section.required(
            "sql", .statement,
            "One statement that reads, without parameters. It runs as a subquery in a transaction that can't write.")
        labels = section.values(
            "labels", .metricPart, countMax: 5, "Columns that become labels, of at most 100 characters each.")
        values = section.values(
            "values", .metricPart, countMax: 20, "Columns that become values; they must be numbers.")
        rowsMax = section.value("rows", .integer(in: 1...1000), default: 100, "Rows beyond this are left out.")
        interval = section.value(
            "interval", .duration(in: .seconds(1) ... .seconds(86_400)), default: .seconds(60),
            "Time between two runs; each starts with a round of the database's probe.")
        let timeout = section.optional(
            "timeout", .duration(in: .milliseconds(10) ... .seconds(60)),
            "The server ends the statement after this long; less than the database's timeout. Default: 2s, or half the"
                + " database's timeout where that is shorter."
        )
        self.timeout = timeout ?? min(.seconds(2), timing.timeout / 2)
        if section.has("timeout"), self.timeout + Self.margin > timing.timeout {
            section.report(
                "timeout", value: DurationText.format(self.timeout),
                "must be less than the database's timeout, \(DurationText.format(timing.timeout)), by half a second: the round ends then"
            )
        }
        if !section.has("values") {
            section.reportMissing("values", because: "a query without values yields no series")
        }
        let both = Set(labels).intersection(values).sorted()
        if let name = both.first {
            section.report("labels", value: name, "is also one of 'values'")
        }
    }

    /// What the round needs beside the query.
    private static let margin = Duration.milliseconds(500)
}

/// Where logins are written down: a table like the runbook's `audit_logs`.
package struct LoginAuditSettings: Hashable, Sendable {
    /// Table or view.
    package var table: String
    /// Column with the time of an attempt.
    package var timeColumn: String
    /// Column with the account.
    package var accountColumn: String
    /// Column with the client's address; nil: there is none.
    package var addressColumn: String?
    /// Column that tells logins from other actions; nil: every row is a login.
    package var actionColumn: String?
    /// Its value for a login.
    package var loginAction: String
    /// Column with the result.
    package var resultColumn: String
    /// Its value for a failure.
    package var failure: String
    /// Its value for a success.
    package var success: String
    /// Column that is unique; nil: the row's place in the table.
    package var keyColumn: String?
    /// Time between two looks.
    package var interval: Duration
    /// The server ends the statement after this long.
    package var timeout: Duration
    /// Labels of the workload whose logins they are; empty: the database's.
    package var labels: LabelSet

    /// Reads `audit`.
    init(_ section: Section, timing: ProbeTiming) {
        func column(_ key: String, _ name: String, _ doc: String) -> String {
            section.value(key, .text(lengthMax: 63), default: name, "Column with \(doc).")
        }
        table = section.value(
            "table", .text(lengthMax: 127), default: "audit_logs",
            "Table or view, with its schema where that is neither the role's own nor `public`. The role needs `SELECT` on it."
        )
        timeColumn = column("timeColumn", "created_at", "the time of an attempt; it should have an index")
        accountColumn = section.required("accountColumn", .text(lengthMax: 63), "Column with the account.")
        let hasAddress = section.value(
            "hasAddress", .boolean, default: true, "Whether there is a column with the address.")
        let address = column("addressColumn", "client_ip", "the client's address")
        addressColumn = hasAddress ? address : nil
        let hasAction = section.value(
            "hasAction", .boolean, default: true,
            "Whether a column tells logins from other actions; else every row is a login.")
        let action = column("actionColumn", "action", "what was done")
        actionColumn = hasAction ? action : nil
        loginAction = section.value("loginAction", .text(), default: "LOGIN", "What it has for a login.")
        resultColumn = column("resultColumn", "result", "the result")
        failure = section.value("failure", .text(), default: "FAILURE", "What it has for a login that failed.")
        success = section.value("success", .text(), default: "SUCCESS", "What it has for a login that succeeded.")
        keyColumn = section.optional(
            "keyColumn", .text(lengthMax: 63),
            "Column that is unique. Default: the row's place in the table, which a view has not.")
        interval = section.value(
            "interval", .duration(in: .seconds(1) ... .seconds(3600)), default: .seconds(10), "Time between two looks.")
        timeout = min(.seconds(2), timing.timeout / 2)
        labels = CheckSettings.labels(section)
    }
}

extension ValueType where Value == String {
    /// A part of a metric's name, also a column's name that needs no quotes.
    static let metricPart = ValueType(
        name: "identifier", range: "1 to 63 of `a-z 0-9 _`, a letter first",
        schema: .record(["type": .string("string"), "pattern": .string("^[a-z][a-z0-9_]{0,62}$")]),
        allowsEnvironment: false, placeholder: "",
        parse: { text, _ throws(ValueProblem) in
            func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
            func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
            guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 63,
                text.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") })
            else { throw ValueProblem("must be lower-case letters, digits and _, a letter first") }
            return text
        },
        format: { $0 })

    /// One SQL statement that reads: what it does is checked by the server, this only finds slips early.
    static let statement = ValueType(
        name: "SQL statement", range: "1 to 10000 characters",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(10_000)]),
        allowsEnvironment: false, placeholder: "",
        parse: { text, _ throws(ValueProblem) in
            guard text.unicodeScalars.count <= 10_000, !text.utf8.contains(0) else {
                throw ValueProblem("must have at most 10000 characters")
            }
            let word = text.drop { $0.isWhitespace || $0 == "(" }.prefix { $0.isLetter }.lowercased()
            guard ["select", "with", "values", "table"].contains(word) else {
                throw ValueProblem("must begin with SELECT, WITH, VALUES or TABLE: it only reads")
            }
            return text
        },
        format: { $0 })
}

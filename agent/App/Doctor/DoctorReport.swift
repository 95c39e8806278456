import FoundationEssentials

/// What the doctor found, as people and as programs read it.
struct DoctorReport: Sendable {
    var rows: [DoctorRow]

    /// How many things do not work.
    var failedCount: Int { rows.count { $0.verdict == .failed } }

    /// 0 when everything works, doubts or not, else 1.
    var exitCode: Int32 { failedCount == 0 ? 0 : 1 }

    /// A table; what to do stands under the row that needs it.
    var text: String {
        let width = (["CHECK"] + rows.map(\.what)).map(\.count).max() ?? 0
        let verdictWidth = "warning".count
        func line(_ what: String, _ verdict: String, _ detail: String) -> String {
            func padded(_ text: String, _ width: Int) -> String {
                text + String(repeating: " ", count: max(0, width - text.count))
            }
            return "\(padded(what, width))  \(padded(verdict, verdictWidth))  \(detail)\n"
        }
        let table = rows.map { row in
            line(row.what, row.verdict.rawValue, row.detail) + (row.fix.map { line("", "", "-> \($0)") } ?? "")
        }
        let doubts = rows.count { $0.verdict == .doubtful }
        return line("CHECK", "RESULT", "DETAIL") + table.joined()
            + "\(rows.count) checks, \(failedCount) failed, \(doubts) with a warning\n"
    }

    /// An array of objects with `check`, `result`, `detail` and, where something can be done, `fix`.
    func json() throws -> String {
        struct Row: Encodable {
            var check: String
            var result: String
            var detail: String
            var fix: String?
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let rows = rows.map { Row(check: $0.what, result: $0.verdict.rawValue, detail: $0.detail, fix: $0.fix) }
        return String(decoding: try encoder.encode(rows), as: UTF8.self) + "\n"
    }
}

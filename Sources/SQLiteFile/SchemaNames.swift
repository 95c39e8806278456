import GRDB

/// The names of a database's tables, columns, indexes and triggers.
///
/// A schema is text on a page as everything else is; where a bit of it is wrong, each statement fails as a wrong
/// statement does, and nothing tells that the file is damaged. The text itself is not compared: what `ALTER TABLE`
/// writes is the business of the SQLite that did it.
struct SchemaNames: Equatable {
    private var columns: [String: [String]] = [:]
    private var others: Set<String> = []

    init(_ database: Database) throws {
        for row in try Row.fetchAll(database, sql: "SELECT type, name FROM sqlite_master") {
            let (type, name): (String, String) = try (row.value("type"), row.value("name"))
            switch type {
            case "table":
                columns[name] = try String.fetchAll(
                    database, sql: "SELECT name FROM pragma_table_info(?) ORDER BY cid", arguments: [name])
            case "index":
                // A column of an expression has no name.
                columns[name] = try Optional<String>.fetchAll(
                    database, sql: "SELECT name FROM pragma_index_info(?) ORDER BY seqno", arguments: [name]
                ).map { $0 ?? "" }
            default: others.insert(name)
            }
        }
        // Made when it is first needed.
        columns["sqlite_sequence"] = nil
    }
}

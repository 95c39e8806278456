import PostgresClient

/// What a server offers and our role may read, as its own catalogue says.
struct ServerFacts: Hashable, Sendable {
    /// `server_version_num`.
    var version: Int
    /// Whether the server is a standby.
    var inRecovery = false
    /// Whether the role sees other roles' sessions (`pg_read_all_stats`).
    var seesAll = false
    /// Whether the role may read settings that only superusers see (`pg_read_all_settings`).
    var readsSettings = false
    /// Whether the role may list the WAL folder and the archiver's files.
    var readsWALFolder = false
    /// Whether WAL is archived by this server in its present role.
    var archives = false
    /// The schema of `pg_stat_statements`, quoted; nil when the extension is not in our database.
    var statementsSchema: String?
    /// Whether the library of `pg_stat_statements` is loaded, without which the extension answers with an error.
    var loadsStatements = false
    /// The database of our session.
    var database = ""

    /// The statement that asks.
    static let sql = """
        SELECT current_setting('server_version_num') AS version, pg_is_in_recovery() AS in_recovery,
          current_database() AS database,
          pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
          pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS reads_settings,
          has_function_privilege('pg_ls_waldir()', 'EXECUTE')
            AND has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS reads_wal_folder,
          current_setting('archive_mode') = 'always'
            OR current_setting('archive_mode') = 'on' AND NOT pg_is_in_recovery() AS archives,
          current_setting('pg_stat_statements.max', true) IS NOT NULL AS loads_statements,
          (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
            WHERE e.extname = 'pg_stat_statements' AND has_schema_privilege(n.oid, 'USAGE')) AS statements_schema
        """

    init(version: Int) {
        self.version = version
    }

    /// Reads an answer to `sql`.
    init?(_ answer: PostgresRows) {
        guard let version = answer.number("version") else { return nil }
        self.version = Int(version)
        inRecovery = answer.flag("in_recovery") ?? false
        seesAll = answer.flag("sees_all") ?? false
        readsSettings = answer.flag("reads_settings") ?? false
        readsWALFolder = answer.flag("reads_wal_folder") ?? false
        archives = answer.flag("archives") ?? false
        loadsStatements = answer.flag("loads_statements") ?? false
        statementsSchema = answer.text("statements_schema")
        database = answer.text("database") ?? ""
    }

    /// What a person would have to run so that we see more, least privilege first; empty when nothing lacks.
    func missing(role: String) -> [MissingCapability] {
        var missing: [MissingCapability] = []
        let grantee = QuotedIdentifier.quote(role)
        if !(seesAll && readsSettings && readsWALFolder) {
            missing.append(
                MissingCapability(
                    isGrant: true, sql: "GRANT pg_monitor TO \(grantee);",
                    effect: "Queries, transactions and waits of other roles, standbys and the WAL folder are hidden"
                        + " from us until a superuser runs"))
        }
        switch (loadsStatements, statementsSchema != nil) {
        case (true, false):
            missing.append(
                MissingCapability(
                    isGrant: false, sql: "CREATE EXTENSION pg_stat_statements;",
                    effect: "There are no figures by statement until a superuser runs, in database \"\(database)\""))
        case (false, true):
            missing.append(
                MissingCapability(
                    isGrant: false, sql: "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';",
                    effect: "There are no figures by statement until a superuser adds the library to those that are"
                        + " loaded already, and restarts the server"))
        // A server without both was set up without it on purpose: nothing lacks.
        default: break
        }
        return missing
    }
}

/// Something that the role or the server lacks, with the SQL that gives it.
struct MissingCapability: Hashable, Sendable {
    /// Whether a privilege lacks, not an extension.
    var isGrant: Bool
    /// The statement.
    var sql: String
    /// What is not seen without it: a sentence that ends with the statement.
    var effect: String

    /// The sentence for people.
    var sentence: String { "\(effect): \(sql)" }
}

/// An identifier as SQL wants it.
enum QuotedIdentifier {
    /// The name as it is when it needs no quotes, else in quotes; never wrong, as further quotes do no harm.
    static func quote(_ name: String) -> String {
        let isPlain = !name.isEmpty && name.utf8.allSatisfy { isLowercase($0) || $0 == UInt8(ascii: "_") }
        return isPlain ? name : always(name)
    }

    /// The name in quotes.
    static func always(_ name: String) -> String {
        let parts = name.split(separator: "\"", omittingEmptySubsequences: false)
        return "\"\(parts.joined(separator: "\"\""))\""
    }

    /// A name with or without its schema, each part in quotes.
    static func path(_ name: String) -> String {
        name.split(separator: ".", omittingEmptySubsequences: false).map { always(String($0)) }.joined(separator: ".")
    }

    private static func isLowercase(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}

import Foundation
import Glibc
import Synchronization

/// A real PostgreSQL server in a temporary folder on a port of its own, gone with the object; several may run at once.
///
/// As root the server runs as the user `postgres` (or `nobody`), since it refuses root.
package final class PostgresCluster: Sendable {
    /// How logins over TCP are checked; the Unix socket always trusts.
    package enum Authentication: String, Sendable {
        /// Nobody is asked for a password.
        case trust
        /// Passwords by SCRAM-SHA-256.
        case scram = "scram-sha-256"
    }

    /// How a cluster is made.
    package struct Configuration: Sendable {
        /// Check of TCP logins.
        package var authentication: Authentication
        /// `max_connections`.
        package var maxConnections: Int
        /// Whether the server offers TLS, with a certificate for `localhost` that signs itself: `certificateFile`.
        package var offersTLS: Bool
        /// Further settings, such as `lc_messages`.
        package var settings: [String: String]
        /// Further environment variables of the server, such as `LOCPATH`.
        package var environment: [String: String]

        /// Makes a configuration.
        package init(
            authentication: Authentication = .trust, maxConnections: Int = 30, offersTLS: Bool = false,
            settings: [String: String] = [:], environment: [String: String] = [:]
        ) {
            self.environment = environment
            self.offersTLS = offersTLS
            self.authentication = authentication
            self.maxConnections = maxConnections
            self.settings = settings
        }
    }

    /// How a server is told to stop.
    package enum StopMode: Sendable {
        /// SIGINT: sessions are ended, state is written.
        case fast
        /// SIGQUIT: at once, with crash recovery at the next start.
        case immediate

        fileprivate var signal: Int32 { self == .fast ? SIGINT : SIGQUIT }
    }

    /// TCP address.
    package let host = "127.0.0.1"
    /// TCP port, also the number of the Unix socket.
    package let port: Int
    /// The superuser; its password is `password`.
    package let superuser = "postgres"
    /// The superuser's password.
    package let password = "correct horse"
    /// Folder of the Unix socket.
    package var socketDirectory: String { folder.path }
    /// Version of the server's programs, such as 15.
    package var majorVersion: Int {
        get async throws {
            let text = try await ChildProcess.run("\(binaries)/postgres", ["--version"]).first ?? ""
            let number = text.split(separator: " ").first { $0.first?.isNumber == true } ?? ""
            return Int(number.prefix { $0.isNumber }) ?? 0
        }
    }
    /// Whether the server was built with TLS.
    package static var offersTLS: Bool {
        get async throws {
            let configure = try await ChildProcess.run("\(findBinaries())/pg_config", ["--configure"])
            return configure.contains { $0.contains("openssl") }
        }
    }
    /// Whether the server has the extension `pg_stat_statements`, which is packaged apart.
    package var hasStatStatements: Bool {
        get async throws {
            let rows = try await execute(
                "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'")
            return rows == ["1"]
        }
    }
    /// The server's certificate in PEM, its own root; only with `offersTLS`.
    package var certificateFile: String { dataDirectory + "/server.crt" }
    /// Folder of the data.
    package var dataDirectory: String { folder.path + "/data" }

    let user: ChildProcess.User?
    let binaries: String
    private let folder: TemporaryDirectory
    private let configuration: Configuration
    private let process = Mutex<ChildProcess?>(nil)

    /// Makes a cluster and starts its server; takes about a second.
    package static func start(_ configuration: Configuration = Configuration()) async throws -> PostgresCluster {
        let cluster = try await PostgresCluster(configuration)
        try await cluster.initialise()
        try await cluster.start()
        return cluster
    }

    init(_ configuration: Configuration) async throws {
        self.configuration = configuration
        binaries = try await Self.findBinaries()
        folder = try TemporaryDirectory("pg")
        port = try FreePort.next()
        user = geteuid() == 0 ? ChildProcess.User(named: "postgres") ?? ChildProcess.User(named: "nobody") : nil
        try own(folder.path)
    }

    deinit {
        guard let process = process.withLock({ $0 }), process.exit == nil else { return }
        // An immediate stop gives the shared memory back, which a kill would leave to the system.
        process.signal(SIGCONT)
        process.signal(SIGQUIT)
        for _ in 0..<200 where process.exit == nil { usleep(10_000) }
        process.kill()
    }

    private func initialise() async throws {
        let passwordFile = try folder.write(password, to: "password")
        try own(passwordFile)
        try await ChildProcess.run(
            "\(binaries)/initdb",
            [
                "--pgdata", dataDirectory, "--username", superuser, "--pwfile", passwordFile, "--auth-local", "trust",
                "--auth-host", configuration.authentication.rawValue, "--encoding", "UTF8", "--no-locale", "--no-sync",
                "--no-instructions",
            ], user: user)
        if configuration.offersTLS { try await makeCertificate() }
    }

    private func makeCertificate() async throws {
        try await ChildProcess.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2",
                "-keyout", dataDirectory + "/server.key", "-out", certificateFile, "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost",
            ], user: user)
    }

    // MARK: Life

    /// Starts the server and waits until it takes logins.
    package func start() async throws {
        var settings = configuration.settings
        settings["port"] = String(port)
        settings["listen_addresses"] = host
        settings["unix_socket_directories"] = socketDirectory
        settings["max_connections"] = String(configuration.maxConnections)
        if configuration.offersTLS { settings["ssl"] = "on" }
        for (name, value) in ["fsync": "off", "shared_buffers": "16MB", "max_wal_size": "64MB"] {
            settings[name] = settings[name] ?? value
        }
        let arguments = settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        let inherited = ProcessInfo.processInfo.environment
        let child = try ChildProcess(
            "\(binaries)/postgres", ["-D", dataDirectory] + arguments,
            environment: inherited.merging(configuration.environment) { $1 }, user: user)
        process.withLock { $0 = child }
        try await waitUntilReady(child)
    }

    /// Asks the server itself, as its log may be in another language.
    private func waitUntilReady(_ child: ChildProcess) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline, child.exit == nil {
            let arguments = ["-h", socketDirectory, "-p", String(port), "-q", "-t", "2"]
            let check = try ChildProcess("\(binaries)/pg_isready", arguments)
            if try await check.waitForExit() == .code(0) { return }
            // pg_isready has nothing to wait on before the socket is there.
            try await Task.sleep(for: .milliseconds(20))
        }
        throw ChildProcess.Failure(
            description: "PostgreSQL did not start:\n" + child.lines.suffix(20).joined(separator: "\n"))
    }

    /// Stops the server and waits for its end.
    package func stop(_ mode: StopMode = .fast) async throws {
        guard let child = process.withLock({ $0 }) else { return }
        child.signal(mode.signal)
        try await child.waitForExit()
    }

    /// Kills the server and all its processes with SIGKILL, as a crash of the machine would.
    package func kill9() async throws {
        guard let child = process.withLock({ $0 }) else { return }
        let children = Self.children(of: child.pid)
        child.kill()
        for pid in children { _ = Glibc.kill(pid, SIGKILL) }
        try await child.waitForExit()
    }

    /// Freezes the postmaster: the kernel still takes connections, and nobody answers them.
    ///
    /// `wholeTree` freezes the sessions too.
    package func sigstop(wholeTree: Bool = false) {
        signalAll(SIGSTOP, wholeTree: wholeTree)
    }

    /// Ends `sigstop`.
    package func sigcont() {
        signalAll(SIGCONT, wholeTree: true)
    }

    /// Sends a signal to one server process, such as a session's.
    package func signal(_ signal: Int32, backend pid: Int32) {
        guard let child = process.withLock({ $0 }), Self.children(of: child.pid).contains(pid) else { return }
        _ = Glibc.kill(pid, signal)
    }

    private func signalAll(_ signal: Int32, wholeTree: Bool) {
        guard let child = process.withLock({ $0 }), child.exit == nil else { return }
        child.signal(signal)
        for pid in wholeTree ? Self.children(of: child.pid) : [] { _ = Glibc.kill(pid, signal) }
    }

    private static func children(of parent: pid_t) -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.filter { pid in
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
            // `pid (name) state ppid`, where the name may hold anything.
            let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
            return fields.count > 2 && pid_t(fields[2]) == parent
        }
    }

    // MARK: SQL

    /// The lines the server wrote to its log.
    package var log: [String] { process.withLock { $0?.lines ?? [] } }

    /// Runs SQL as the superuser over the Unix socket; one line a row, columns separated by `|`.
    @discardableResult
    package func execute(_ sql: String, database: String = "postgres") async throws -> [String] {
        try await ChildProcess.run(
            "\(binaries)/psql", arguments(role: superuser, database: database) + ["-c", sql], environment: environment)
    }

    /// Opens a session that stays until it is closed: for locks, open transactions, idle sessions.
    package func openSession(
        role: String? = nil, database: String = "postgres", applicationName: String = "test"
    ) async throws -> Session {
        var variables = environment
        variables["PGAPPNAME"] = applicationName
        let psql = try ChildProcess(
            "\(binaries)/psql", arguments(role: role ?? superuser, database: database), environment: variables)
        let session = Session(psql)
        try await session.run("SELECT 1")
        return session
    }

    /// One psql with its session.
    package final class Session: Sendable {
        private let psql: ChildProcess
        private let count = Mutex(0)

        fileprivate init(_ psql: ChildProcess) {
            self.psql = psql
        }

        /// Sends a statement and returns at once.
        package func send(_ sql: String) throws {
            try psql.write(sql + ";\n")
        }

        /// Runs a statement to its end and returns its rows.
        @discardableResult
        package func run(_ sql: String, timeout: Duration = .seconds(20)) async throws -> [String] {
            let mark = count.withLock { count in
                count += 1
                return "-- end \(count) --"
            }
            let before = psql.lines.count
            try psql.write(sql + ";\n\\echo '\(mark)'\n")
            try await psql.waitForLine(containing: mark, from: before, timeout: timeout)
            return psql.lines.dropFirst(before).prefix { $0 != mark }.map { $0 }
        }

        /// Ends the session and waits for the end of its psql.
        package func close() async throws {
            psql.closeInput()
            psql.kill()
            try await psql.waitForExit()
        }
    }

    var environment: [String: String] { ["PATH": "/usr/bin:/bin", "PGCLIENTENCODING": "UTF8"] }

    private func arguments(role: String, database: String) -> [String] {
        [
            "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", socketDirectory, "-p", "\(port)", "-U", role, "-d",
            database,
        ]
    }

    // MARK: Where things are

    private func own(_ path: String) throws {
        guard let user else { return }
        guard chown(path, user.id, user.group) == 0 else { throw FreePort.Failure(code: errno) }
    }

    /// Environment variable that names the folder with the programs of another server version.
    package static let binariesVariable = "TOCSIN_POSTGRES_BIN"

    /// The folder with the server's programs: the one that the environment names, else `pg_config`'s, else the newest
    /// Debian one.
    private static func findBinaries() async throws -> String {
        func hasServer(_ folder: String) -> Bool { FileManager.default.isExecutableFile(atPath: folder + "/initdb") }
        if let folder = ProcessInfo.processInfo.environment[binariesVariable], !folder.isEmpty {
            guard hasServer(folder) else {
                throw ChildProcess.Failure(description: "\(binariesVariable)=\(folder) has no initdb.")
            }
            return folder
        }
        if let output = try? await ChildProcess.run("/usr/bin/env", ["pg_config", "--bindir"]),
            let folder = output.first,
            hasServer(folder)
        {
            return folder
        }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let folders = versions.compactMap(Int.init).sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        guard let folder = folders.first(where: hasServer) else {
            throw ChildProcess.Failure(
                description: "No PostgreSQL server is installed (Debian: apt-get install postgresql).")
        }
        return folder
    }
}

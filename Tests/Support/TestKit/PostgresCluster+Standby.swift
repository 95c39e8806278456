/// Standbys, made from a running server as an administrator makes them.
extension PostgresCluster {
    /// Copies this server with pg_basebackup and starts the copy as a standby that streams from it.
    ///
    /// - Parameter name: the standby's `cluster_name`, under which the primary lists it.
    /// - Parameter slot: a replication slot to make and to use; nil: none.
    /// - Parameter settings: further settings of the standby.
    package func startStandby(
        name: String, slot: String? = nil, settings: [String: String] = [:]
    ) async throws -> PostgresCluster {
        var all = settings
        all["cluster_name"] = name
        // The time between two messages to the primary bounds how old its view of an idle standby is.
        all["wal_receiver_status_interval"] = all["wal_receiver_status_interval"] ?? "1s"
        let standby = try await PostgresCluster(Configuration(settings: all))
        var arguments = [
            "-h", socketDirectory, "-p", "\(port)", "-U", superuser, "-D", standby.dataDirectory, "-R", "-X", "stream",
            "--checkpoint=fast", "--no-sync",
        ]
        if let slot { arguments += ["-C", "-S", slot] }
        try await ChildProcess.run(
            "\(binaries)/pg_basebackup", arguments, environment: environment, user: standby.user)
        try await standby.start()
        return standby
    }
}

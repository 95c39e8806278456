package import ConfigurationKit
package import TargetSettings

/// What `agent.yaml` says, defaults filled in and checked.
package struct AgentSettings: Hashable, Sendable {
    /// The cluster, part of the identity of everything that the agent reports.
    package var cluster: String
    /// The node that the agent speaks for.
    package var node: String
    /// Where the coordinator is.
    package var coordinator: CoordinatorAddress
    /// What the agent shows the coordinator.
    package var credentials: Credentials
    /// Folder for the spool and the agent's own state.
    package var dataDirectory: String
    /// Time between the starts of two probes of one target, where the target does not say otherwise.
    package var interval: Duration
    /// The disk queue.
    package var spool: Spool
    /// Where the agent serves `/metrics` and `/healthz`.
    package var httpListen: HostPort
    /// What the agent allows itself.
    package var limits: Limits
    /// The node itself; nil when it is not looked at.
    package var host: HostSettings?
    /// The node's kubelet; nil where there is none.
    package var kubelet: KubeletSettings?
    /// The API server at which the node's pods are watched; nil: the kubelet is asked for them.
    package var kubernetes: KubernetesSettings?
    /// Spring Boot actuators.
    package var actuators: [ActuatorSettings]
    /// Metrics of others in Prometheus' text format.
    package var prometheus: [PrometheusSettings]
    /// Pods that ask to be probed.
    package var discovery: DiscoverySettings
    /// PostgreSQL servers.
    package var databases: [DatabaseSettings]
    /// HTTP and TCP checks.
    package var checks: [CheckSettings]
    /// Container logs; nil when they are not read.
    package var logs: LogSettings?

    /// Where the coordinator is.
    package struct CoordinatorAddress: Hashable, Sendable {
        /// Address of its gRPC listener.
        package var endpoint: HostPort
        /// Name that its certificate must have; nil: the endpoint's host.
        package var serverName: String?

        /// Makes an address.
        package init(endpoint: HostPort, serverName: String?) {
            self.endpoint = endpoint
            self.serverName = serverName
        }

        fileprivate init(_ section: Section) {
            self.init(
                endpoint: section.required(
                    "endpoint", .endpoint,
                    "Address of the coordinator's gRPC listener, normally port 7443; with a token 7444."),
                serverName: section.optional(
                    "serverName", .host,
                    "Name that the coordinator's certificate must have. Default: the endpoint's host."))
        }
    }

    /// What the agent shows the coordinator, and the roots that the coordinator's certificate must lead to.
    package enum Credentials: Hashable, Sendable {
        /// A certificate.
        case certificate(TLSFiles)
        /// A token, read anew when its file changes.
        case token(file: String, trustRootsFile: String)
    }

    /// The disk queue.
    package struct Spool: Hashable, Sendable {
        /// Size in bytes beyond which the oldest data is dropped and counted.
        package var bytesMax: Int
        /// Bytes a second at which a backlog is sent beside what is new.
        package var backfillBytesPerSecond: Int

        /// Makes the settings of a queue.
        package init(bytesMax: Int, backfillBytesPerSecond: Int) {
            self.bytesMax = bytesMax
            self.backfillBytesPerSecond = backfillBytesPerSecond
        }

        fileprivate init(_ section: Section) {
            self.init(
                bytesMax: section.value(
                    "maxSize", .size(in: 8 << 20...1 << 40), default: 256 << 20,
                    "Size beyond which the oldest data is dropped, counted and shown as a gap."),
                backfillBytesPerSecond: section.value(
                    "backfillRate", .size(in: 1 << 10...1 << 30), default: 512 << 10,
                    "After an outage, bytes a second at which the backlog is sent; what is new goes before it."))
        }
    }

    /// What the agent allows itself.
    package struct Limits: Hashable, Sendable {
        /// Series beyond this are dropped and counted.
        package var seriesMax: Int
        /// Resident memory in bytes at which the agent sheds load.
        package var residentBytesMax: Int

        /// Makes limits.
        package init(seriesMax: Int, residentBytesMax: Int) {
            self.seriesMax = seriesMax
            self.residentBytesMax = residentBytesMax
        }

        fileprivate init(_ section: Section) {
            self.init(
                seriesMax: section.value(
                    "series", .integer(in: 100...1_000_000), default: 20_000,
                    "Series beyond this are dropped and counted."),
                residentBytesMax: section.value(
                    "residentMemory", .size(in: 24 << 20...4 << 30), default: 64 << 20,
                    "Resident memory at which the agent sheds load. Below the container's memory limit."))
        }
    }

    /// Reads and checks a file, reporting everything that is wrong with it at once.
    ///
    /// - Parameter environment: what `{env: NAME}` refers to.
    package static func load(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> Loaded<AgentSettings> {
        try decode(try ConfigurationSource(path: path), environment: environment)
    }

    /// Checks a text, reporting everything that is wrong with it at once.
    package static func decode(
        _ source: ConfigurationSource, environment: [String: String]
    ) throws(ConfigurationError) -> Loaded<AgentSettings> {
        try ConfigurationFile.decode(source, kind: "agent", environment: environment, AgentSettings.init)
    }

    /// The reference of the file, for documentation and for the schema.
    package static var reference: KindDescription {
        ConfigurationFile.describe(
            kind: "agent", fileName: "agent.yaml",
            doc:
                "What one agent probes and where it sends it. Pods are found through the kubelet; everything else is listed.",
            AgentSettings.init)
    }

    private init(_ file: Section) {
        cluster = file.required("cluster", .name(), "Name of the cluster; part of every subject's identity.")
        node = file.required(
            "node", .name(lengthMax: 253), "Name of the node, as Kubernetes knows it; in a pod `{env: NODE_NAME}`.")
        (coordinator, credentials) = Self.link(file)
        dataDirectory = file.value(
            "dataDirectory", .path, default: "/var/lib/tocsin-agent", "Folder for the spool and the agent's own state.")
        let interval = file.value(
            "interval", .duration(in: ProbeTiming.intervals), default: .seconds(10),
            "Time between the starts of two probes of one target, where the target does not say otherwise. Equal to the"
                + " coordinator's `step`, or a divisor of it, so that every cell of a signal has data.")
        self.interval = interval
        spool = file.section("spool", "The disk queue that bridges outages of the coordinator.", Spool.init)
        httpListen = file.section("http", "The agent's own `/metrics` and `/healthz`.") { section in
            section.value("listen", .listener, default: HostPort(host: "127.0.0.1", port: 7481), "Where to listen.")
        }
        limits = file.section(
            "limits", "What the agent allows itself; beyond it, it sheds load and says so.", Limits.init)
        host = file.section(
            "host", "The node itself: CPU, memory, pressure, load, OOM kills, network, disks, room on file systems."
        ) { section in
            HostSettings.read(section, interval: interval)
        }
        kubelet = file.optionalSection("kubelet", "The node's kubelet: its pods and their containers.") { section in
            KubeletSettings(section, interval: interval)
        }
        kubernetes = file.optionalSection(
            "kubernetes",
            "The API server. With it pods are watched, so that what happens to them is known at once; the kubelet then only tells their usage."
        ) { section in
            KubernetesSettings(section, interval: interval)
        }
        actuators = file.sections("actuators", uniqueKey: "name", "Spring Boot actuators.") { section in
            ActuatorSettings(section, interval: interval)
        }
        prometheus = file.sections(
            "prometheus", uniqueKey: "name", countMax: 200, "Metrics of others in Prometheus' text format."
        ) { section in
            PrometheusSettings(section, interval: interval)
        }
        discovery = file.section(
            "discovery", "Pods of the node that ask by annotation to be probed: port and path are theirs, nothing else."
        ) { section in
            DiscoverySettings(section, interval: interval)
        }
        databases = file.sections("databases", uniqueKey: "name", countMax: 100, "PostgreSQL servers.") { section in
            DatabaseSettings(section, interval: interval)
        }
        checks = file.sections("checks", uniqueKey: "name", "HTTP and TCP checks.") { section in
            CheckSettings(section, interval: interval)
        }
        logs = file.optionalSection(
            "logs",
            "Logs of the node's containers and of files, counted by level. Off without this section. Of texts only patterns of new"
                + " errors and last lines leave the node, secrets taken out."
        ) { section in
            LogSettings(section, interval: interval)
        }
        warnIfNothingIsProbed(file)
    }

    /// Where the coordinator is and what it is shown: a certificate or a token.
    private static func link(_ file: Section) -> (CoordinatorAddress, Credentials) {
        let (address, tokenFile, caFile) = file.section("coordinator", "Where the coordinator is.") { section in
            let address = CoordinatorAddress(section)
            let tokenFile = section.optionalFile(
                "tokenFile",
                "File with the token that the coordinator is shown in place of a certificate: in a pod the projected one for"
                    + " the audience `tocsin`. Read anew when it changes.")
            let caFile = section.optionalFile(
                "caFile",
                "PEM file with the roots that the coordinator's certificate must lead to, beside `tokenFile`.")
            if tokenFile != nil, caFile == nil {
                section.reportMissing("caFile", because: "a token is shown to a verified coordinator only")
            }
            if tokenFile == nil, caFile != nil {
                section.report(
                    "caFile", "has a meaning only beside 'tokenFile'; with a certificate it is 'tls.trustRootsFile'")
            }
            return (address, tokenFile, caFile)
        }
        let tls = file.optionalSection(
            "tls",
            "Files of mutual TLS towards the coordinator; `tocsin tls issue` makes them. Left out with `coordinator.tokenFile`.",
            TLSFiles.init)
        switch (tls, tokenFile) {
        case (let tls?, nil): return (address, .certificate(tls))
        case (nil, let tokenFile?): return (address, .token(file: tokenFile, trustRootsFile: caFile ?? ""))
        case (.some, .some):
            file.report("tls", "a certificate and a token exclude each other: drop 'tls' or 'coordinator.tokenFile'")
        case (nil, nil):
            if !file.has("tls") {
                file.reportMissing(
                    "tls", because: "the coordinator wants a certificate, or a token ('coordinator.tokenFile')")
            }
        }
        return (address, .token(file: "", trustRootsFile: ""))
    }

    private func warnIfNothingIsProbed(_ file: Section) {
        if kubelet == nil, kubernetes == nil, actuators.isEmpty, prometheus.isEmpty, databases.isEmpty,
            checks.isEmpty, logs == nil
        {
            file.report(
                nil,
                "nothing is probed but the node and what the coordinator assigns: none of 'kubelet', 'actuators',"
                    + " 'prometheus', 'databases', 'checks' and 'logs' is there",
                level: .warning)
        }
    }
}

package import ConfigurationKit

/// What `coordinator.yaml` says, defaults filled in and checked.
package struct CoordinatorSettings: Hashable, Sendable {
    /// Where agents and the CLI connect, by gRPC with client certificates.
    package var listen: HostPort
    /// Files of mutual TLS; nil: nobody connects with a certificate, but with a token.
    package var tls: TLSFiles?
    /// The listener for callers with tokens; nil: there is none.
    package var tokens: TokenSettings?
    /// Folder of samples, incidents and the audit log.
    package var dataDirectory: String
    /// Where the coordinator serves `/metrics`, `/healthz` and `/readyz`.
    package var httpListen: HostPort
    /// The file with checks, severities and overrides.
    package var thresholdsFile: String
    /// Length of a cell of a signal.
    package var step: Duration
    /// How long samples are kept.
    package var retention: Retention
    /// When an agent counts as gone.
    package var agents: Agents
    /// The life of incidents.
    package var incidents: Incidents
    /// What the coordinator allows itself and others.
    package var limits: Limits
    /// What agents probe for their whole cluster, one at a time.
    package var targets: [ClusterTargets]
    /// The cluster whose events and rollouts are watched; nil: none is.
    package var kubernetes: ClusterWatchSettings?
    /// How people are reached.
    package var notifications: NotificationSettings

    /// How long samples and cells are kept; incidents are kept regardless.
    package struct Retention: Hashable, Sendable {
        /// The same for the cells of signals.
        package struct Cells: Hashable, Sendable {
            /// Age beyond which cells are dropped.
            package var age: Duration
            /// Bytes on disk beyond which the oldest cells are dropped.
            package var bytesMax: Int

            /// Makes limits of age and size.
            package init(age: Duration = .seconds(30 * 86_400), bytesMax: Int = 2 << 30) {
                self.age = age
                self.bytesMax = bytesMax
            }
        }

        /// Age beyond which samples are dropped.
        package var age: Duration
        /// Bytes on disk beyond which the oldest samples are dropped.
        package var bytesMax: Int
        /// Those of cells.
        package var cells: Cells

        /// Makes limits of age and size.
        package init(age: Duration, bytesMax: Int, cells: Cells = Cells()) {
            self.age = age
            self.bytesMax = bytesMax
            self.cells = cells
        }
    }

    /// When an agent counts as gone.
    package struct Agents: Hashable, Sendable {
        /// Silence after which it is shown as suspect.
        package var suspectAfter: Duration
        /// Silence after which it is no longer expected to contribute; longer than `suspectAfter`.
        package var silentAfter: Duration
        /// How long an agent may probe a cluster target without hearing from the coordinator.
        package var targetLease: Duration
        /// Silence after which there is an incident; not shorter than `silentAfter`.
        package var incidentAfter: Duration
        /// More than this share of a cluster's agents that fall silent at once is one incident, 0...1.
        package var blindShare: Double
        /// And at least this many agents.
        package var blindAgentsMin: Int
        /// Silence after which it is forgotten; longer than `incidentAfter`.
        package var forgetAfter: Duration

        /// Makes delays and shares; the defaults are the file's.
        package init(
            suspectAfter: Duration, silentAfter: Duration, targetLease: Duration,
            incidentAfter: Duration = .seconds(120), blindShare: Double = 0.2, blindAgentsMin: Int = 3,
            forgetAfter: Duration = .seconds(3600)
        ) {
            self.suspectAfter = suspectAfter
            self.silentAfter = silentAfter
            self.targetLease = targetLease
            self.incidentAfter = incidentAfter
            self.blindShare = blindShare
            self.blindAgentsMin = blindAgentsMin
            self.forgetAfter = forgetAfter
        }
    }

    /// The life of incidents.
    package struct Incidents: Hashable, Sendable {
        /// A recurrence within this time after resolution reopens the incident as a new episode.
        package var reopenWithin: Duration
        /// How long a lower severity must hold before the incident's severity falls.
        package var severityHysteresis: Duration
        /// Open incidents beyond this are not opened but counted.
        package var openMax: Int
        /// Incidents whose breaches began within this time may be taken for cause and consequence.
        package var correlateWithin: Duration
        /// A consequence that is still open this long after its root's end stands for itself.
        package var consequencesOutlast: Duration
        /// When a recovery is doubted.
        package var flapping: Flapping

        /// Makes the settings of incidents' life.
        package init(
            reopenWithin: Duration, severityHysteresis: Duration, openMax: Int, correlateWithin: Duration,
            consequencesOutlast: Duration, flapping: Flapping
        ) {
            self.reopenWithin = reopenWithin
            self.severityHysteresis = severityHysteresis
            self.openMax = openMax
            self.correlateWithin = correlateWithin
            self.consequencesOutlast = consequencesOutlast
            self.flapping = flapping
        }
    }

    /// When a recovery is doubted, since the incident comes back again and again.
    package struct Flapping: Hashable, Sendable {
        /// So many openings within `within` make the next recovery doubtful.
        package var openings: Int
        /// Span in which openings are counted.
        package var within: Duration
        /// How long a doubtful recovery must last.
        package var quiet: Duration

        /// Makes the settings of flapping.
        package init(openings: Int, within: Duration, quiet: Duration) {
            self.openings = openings
            self.within = within
            self.quiet = quiet
        }
    }

    /// What the coordinator allows itself and others.
    package struct Limits: Hashable, Sendable {
        /// Agents known at a time.
        package var agentsMax: Int
        /// Series of one agent that are judged; samples of more are stored and counted.
        package var seriesPerAgentMax: Int
        /// Different series of one agent in an hour; samples of more are dropped and counted.
        package var seriesPerAgentHourMax: Int
        /// Bytes of one message on the wire.
        package var frameBytesMax: Int
        /// Frames that an agent may have unacknowledged.
        package var ackWindow: Int
        /// Subjects that signals are derived for; more are dropped and counted.
        package var subjectsMax: Int
        /// Series that signals are derived from; samples of more are stored and counted.
        package var signalSeriesMax: Int
        /// Connections of agents and users.
        package var connectionsMax: Int
        /// Of them, those that have made no call yet.
        package var newConnectionsMax: Int
        /// Connections of one agent or user.
        package var connectionsPerClientMax: Int
        /// Calls that one agent or user has open at a time.
        package var callsPerClientMax: Int
        /// From a connection to its first call, and from an agent's stream to its hello.
        package var firstCallWithin: Duration

        /// Makes limits; the defaults are the file's.
        package init(
            agentsMax: Int, seriesPerAgentMax: Int, seriesPerAgentHourMax: Int = 40_000, frameBytesMax: Int,
            ackWindow: Int = 32, subjectsMax: Int, signalSeriesMax: Int = 200_000, connectionsMax: Int = 2000,
            newConnectionsMax: Int = 256, connectionsPerClientMax: Int = 16, callsPerClientMax: Int = 64,
            firstCallWithin: Duration = .seconds(10)
        ) {
            self.agentsMax = agentsMax
            self.seriesPerAgentMax = seriesPerAgentMax
            self.seriesPerAgentHourMax = seriesPerAgentHourMax
            self.frameBytesMax = frameBytesMax
            self.ackWindow = ackWindow
            self.subjectsMax = subjectsMax
            self.signalSeriesMax = signalSeriesMax
            self.connectionsMax = connectionsMax
            self.newConnectionsMax = newConnectionsMax
            self.connectionsPerClientMax = connectionsPerClientMax
            self.callsPerClientMax = callsPerClientMax
            self.firstCallWithin = firstCallWithin
        }
    }

    /// Reads and checks a file, reporting everything that is wrong with it at once.
    ///
    /// The thresholds are a file of their own.
    ///
    /// - Parameter environment: what `{env: NAME}` refers to.
    package static func load(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> Loaded<CoordinatorSettings> {
        try decode(try ConfigurationSource(path: path), environment: environment)
    }

    /// Checks a text, reporting everything that is wrong with it at once.
    package static func decode(
        _ source: ConfigurationSource, environment: [String: String]
    ) throws(ConfigurationError) -> Loaded<CoordinatorSettings> {
        let folder = source.folder
        return try ConfigurationFile.decode(source, kind: "coordinator", environment: environment) { file in
            CoordinatorSettings(file, folder: folder)
        }
    }

    /// The reference of the file, for documentation and for the schema.
    package static var reference: KindDescription {
        ConfigurationFile.describe(
            kind: "coordinator", fileName: "coordinator.yaml",
            doc: "Where the coordinator listens, what it keeps and how it treats agents and incidents."
        ) { CoordinatorSettings($0, folder: ".") }
    }

    private init(_ file: Section, folder: String) {
        listen = file.value(
            "listen", .listener, default: HostPort(host: "0.0.0.0", port: 7443),
            "Where agents and the CLI connect, by gRPC with client certificates.")
        (tls, tokens) = Self.listeners(file)
        dataDirectory = file.value(
            "dataDirectory", .path, default: "/var/lib/tocsin-coordinator",
            "Folder of samples, incidents and the audit log.")
        httpListen = file.section("http", "The coordinator's own `/metrics`, `/healthz` and `/readyz`.") { section in
            section.value("listen", .listener, default: HostPort(host: "127.0.0.1", port: 7480), "Where to listen.")
        }
        let besideThis = folder == "." ? "thresholds.yaml" : "\(folder)/thresholds.yaml"
        thresholdsFile =
            file.optionalFile(
                "thresholdsFile",
                "The file with checks, severities and overrides. Default: `thresholds.yaml` beside this file.")
            ?? besideThis
        let step = file.value(
            "step", .duration(in: .seconds(1) ... .seconds(300)), default: .seconds(10),
            "Length of a cell of a signal: the interval of the agents' probes.")
        self.step = step
        retention = Self.retention(file)
        agents = Self.agents(file, step: step)
        incidents = Self.incidents(file)
        limits = Self.limits(file)
        targets = file.sections(
            "targets", uniqueKey: "cluster", countMax: 100,
            "What agents probe for their whole cluster: each target by one agent at a time, which the coordinator chooses."
        ) { section in
            ClusterTargets(section, step: step)
        }
        kubernetes = file.optionalSection(
            "kubernetes",
            "A cluster's API server. With it events and rollouts are recorded: what changed just before an incident."
        ) { ClusterWatchSettings($0) }
        notifications = NotificationDecoder().decode(file)
    }

    /// Who may connect, by certificate or by token: one of the two at least.
    private static func listeners(_ file: Section) -> (TLSFiles?, TokenSettings?) {
        let tls = file.optionalSection(
            "tls",
            "Files of mutual TLS; `tocsin tls init` makes them. Left out, nobody connects with a certificate, but with `tokens`.",
            TLSFiles.init)
        let tokens = file.optionalSection(
            "tokens",
            "A second listener, for callers who show a token of a cluster's account: agents in their pods, people through"
                + " `kubectl create token`. The API server says whose a token is (TokenReview).", TokenSettings.init)
        guard tls == nil else { return (tls, tokens) }
        if !file.has("tokens") {
            file.reportMissing("tls", because: "without it and without 'tokens' nobody can connect")
        } else if let tokens, tokens.authority == nil {
            file.report(
                "tokens",
                "the listener has no certificate: name files under 'tls', or let the coordinator make its own with 'tokens.authority'"
            )
        }
        if file.has("listen") {
            file.report("listen", "has no meaning without 'tls'; callers with tokens connect to 'tokens.listen'")
        }
        return (tls, tokens)
    }

    private static func retention(_ file: Section) -> Retention {
        file.section(
            "retention", "How long samples are kept; whichever limit comes first. Incidents are kept regardless."
        ) { section in
            Retention(
                age: section.value(
                    "age", .duration(in: .seconds(3600) ... .seconds(5 * 366 * 86_400)), default: .seconds(15 * 86_400),
                    "Age beyond which samples are dropped."),
                bytesMax: section.value(
                    "size", .size(in: 64 << 20...1 << 44), default: 10 << 30,
                    "Bytes on disk beyond which the oldest samples are dropped."),
                cells: cellRetention(section))
        }
    }

    private static func cellRetention(_ section: Section) -> Retention.Cells {
        section.section(
            "cells",
            "How long the cells of signals are kept, which `tocsin replay` reads; beside what samples take."
        ) { section in
            Retention.Cells(
                age: section.value(
                    "age", .duration(in: .seconds(3600) ... .seconds(5 * 366 * 86_400)), default: .seconds(30 * 86_400),
                    "Age beyond which cells are dropped."),
                bytesMax: section.value(
                    "size", .size(in: 16 << 20...1 << 44), default: 2 << 30,
                    "Bytes on disk beyond which the oldest cells are dropped."))
        }
    }

    private static func agents(_ file: Section, step: Duration) -> Agents {
        file.section("agents", "When an agent counts as gone.") { section in
            let range: ClosedRange<Duration> = .seconds(1) ... .seconds(3600)
            let agents = Agents(
                suspectAfter: section.value(
                    "suspectAfter", .duration(in: range), default: .seconds(15),
                    "Silence after which an agent is shown as suspect. Agents send a sign of life every 5 s, so this is three."
                ),
                silentAfter: section.value(
                    "silentAfter", .duration(in: range), default: .seconds(30),
                    "Silence after which it is silent. Longer than `suspectAfter`."),
                targetLease: section.value(
                    "targetLease", .duration(in: .seconds(2) ... .seconds(600)), default: .seconds(30),
                    "How long an agent goes on with a cluster target without hearing from the coordinator; only then can another one take over."
                ),
                incidentAfter: section.value(
                    "incidentAfter", .duration(in: range), default: .seconds(120),
                    "Silence after which there is an incident. Not shorter than `silentAfter`."),
                blindShare: section.value(
                    "blindShare", .ratio, default: 0.2,
                    "More than this share of a cluster's agents that fall silent at once is one incident, not one each."
                ),
                blindAgentsMin: section.value(
                    "blindAgentsMin", .integer(in: 2...10_000), default: 3, "And at least this many agents."),
                forgetAfter: section.value(
                    "forgetAfter", .duration(in: .seconds(10) ... .seconds(30 * 86_400)), default: .seconds(3600),
                    "Silence after which its node is taken for gone: the agent is forgotten and its incident ends. 24 times as long "
                        + "while many are silent at once. Longer than `incidentAfter`."))
            if agents.forgetAfter <= agents.incidentAfter {
                section.report(
                    section.has("forgetAfter") ? "forgetAfter" : "incidentAfter",
                    "'forgetAfter' (\(DurationText.format(agents.forgetAfter))) must be longer than 'incidentAfter' "
                        + "(\(DurationText.format(agents.incidentAfter)))")
            }
            if agents.incidentAfter < agents.silentAfter {
                section.report(
                    section.has("incidentAfter") ? "incidentAfter" : "silentAfter",
                    "'incidentAfter' (\(DurationText.format(agents.incidentAfter))) must not be shorter than "
                        + "'silentAfter' (\(DurationText.format(agents.silentAfter)))")
            }
            if agents.silentAfter <= agents.suspectAfter {
                section.report(
                    section.has("silentAfter") ? "silentAfter" : "suspectAfter",
                    "'silentAfter' (\(DurationText.format(agents.silentAfter))) must be longer than 'suspectAfter' "
                        + "(\(DurationText.format(agents.suspectAfter)))")
            }
            return agents
        }
    }

    private static func incidents(_ file: Section) -> Incidents {
        file.section("incidents", "The life of incidents.") { section in
            Incidents(
                reopenWithin: section.value(
                    "reopenWithin", .duration(in: .zero ... .seconds(7 * 86_400)), default: .seconds(1800),
                    "A recurrence within this time after resolution reopens the incident as a new episode; `0` always opens a new one."
                ),
                severityHysteresis: section.value(
                    "severityHysteresis", .duration(in: .zero ... .seconds(86_400)), default: .seconds(300),
                    "How long a lower severity must hold before the incident's severity falls. A rise takes effect at once."
                ),
                openMax: section.value(
                    "maxOpen", .integer(in: 10...100_000), default: 1000,
                    "Open incidents beyond this are not opened but counted."),
                correlateWithin: section.value(
                    "correlateWithin", .duration(in: .zero ... .seconds(86_400)), default: .seconds(300),
                    "Incidents whose breaches began within this time may be taken for cause and consequence."),
                consequencesOutlast: section.value(
                    "consequencesOutlast", .duration(in: .zero ... .seconds(86_400)), default: .seconds(600),
                    "A consequence that is still open this long after its root's end stands for itself."),
                flapping: flapping(section))
        }
    }

    private static func flapping(_ incidents: Section) -> Flapping {
        incidents.section("flapping", "When a recovery is doubted, since the incident comes back again and again.") {
            section in
            Flapping(
                openings: section.value(
                    "openings", .integer(in: 2...16), default: 3,
                    "So many openings within `within` make the next recovery doubtful: its end is held back."),
                within: section.value(
                    "within", .duration(in: .seconds(60) ... .seconds(7 * 86_400)), default: .seconds(3600),
                    "Span in which openings are counted."),
                quiet: section.value(
                    "quiet", .duration(in: .zero ... .seconds(86_400)), default: .seconds(900),
                    "How long a doubtful recovery must last before the incident ends."))
        }
    }

    private static func limits(_ file: Section) -> Limits {
        file.section("limits", "What the coordinator allows itself and others.") { section in
            Limits(
                agentsMax: section.value(
                    "agents", .integer(in: 1...10_000), default: 500,
                    "Agents known at a time. For another one the longest silent is forgotten; when none is silent it is refused and "
                        + "counted."),
                seriesPerAgentMax: section.value(
                    "seriesPerAgent", .integer(in: 100...1_000_000), default: 20_000,
                    "Series of one agent that are judged; samples of more are stored, left out of signals, and counted."
                ),
                seriesPerAgentHourMax: section.value(
                    "seriesPerAgentHour", .integer(in: 100...10_000_000), default: 40_000,
                    "Different series of one agent in an hour; samples of more are neither stored nor judged, and counted. Keep it above "
                        + "`seriesPerAgent`: rollouts end series and begin others."
                ),
                frameBytesMax: section.value(
                    "frameBytes", .size(in: 4 << 20...64 << 20), default: 4 << 20,
                    "Bytes of one message on the wire. Agents make none above 4 MiB."),
                ackWindow: section.value(
                    "ackWindow", .integer(in: 1...1024), default: 32,
                    "Frames that an agent may have under way, unacknowledged; each waits in memory until it is on disk."
                ),
                subjectsMax: section.value(
                    "subjects", .integer(in: 10...100_000), default: 5000,
                    "Subjects that signals are derived for; more are dropped and counted."),
                signalSeriesMax: section.value(
                    "signalSeries", .integer(in: 1000...10_000_000), default: 200_000,
                    "Series that signals are derived from, a third of all or so; samples of more are stored, left out of signals, and"
                        + " counted."),
                connectionsMax: section.value(
                    "connections", .integer(in: 10...100_000), default: 2000,
                    "Connections of agents and users together; a further one is refused and counted."),
                newConnectionsMax: section.value(
                    "newConnections", .integer(in: 1...10_000), default: 256,
                    "Connections that have made no call yet, or on the listener for tokens none with a good one; the oldest of them"
                        + " goes, and is counted."),
                connectionsPerClientMax: section.value(
                    "connectionsPerClient", .integer(in: 1...1000), default: 16,
                    "Connections of one agent or user; the oldest of them goes, and is counted."),
                callsPerClientMax: section.value(
                    "callsPerClient", .integer(in: 1...1000), default: 64,
                    "Calls that one agent or user has open at a time; a further one is refused and counted."),
                firstCallWithin: section.value(
                    "firstCallWithin", .duration(in: .seconds(1) ... .seconds(300)), default: .seconds(10),
                    "How long a connection may take to its first call, TLS handshake included, and an agent's stream to its hello."
                ))
        }
    }
}

package import Probing
package import PrometheusProbe
package import Telemetry

/// Looks at one Spring Boot actuator: health, the meters over `/prometheus` or, where that is not exposed, one by one,
/// and the logins among the audit events.
///
/// Both paths give series of the same names. The probe asks at most three things at once, follows no redirect, and
/// leaves its own requests out of the request counts. While the application's connection pool is exhausted it asks for
/// health less and less often (`HealthBackoff`), since each health call waits for a connection too.
package actor ActuatorProbe: Probe {
    /// Which meters are read, and how.
    package enum MeterSource: String, Sendable, Hashable, CaseIterable {
        /// `/prometheus`, else `/metrics/{name}`; neither exposed is no failure.
        case automatic
        /// `/prometheus` alone; not exposed is a failure.
        case prometheus
        /// `/metrics/{name}` alone; not exposed is a failure.
        case json
        /// Health alone.
        case none
    }

    /// What is probed and how.
    package struct Configuration: Sendable, Hashable {
        /// Name of the target; its id is `actuator/NAME`.
        package var name: String
        /// Base URL, such as `http://10.0.0.7:8086/actuator`; without query, slash at the end or credentials.
        package var baseURL: String
        /// Identity labels of every series.
        package var labels: LabelSet
        /// Time between two runs, default 10 s.
        package var interval: Duration
        /// Time for one run, default 5 s; at most the interval.
        package var deadline: Duration
        /// How to log in.
        package var credentials: HTTPCredentials
        /// Whom to trust behind `https`.
        package var trust: HTTPRequest.Trust
        /// Which meters are read.
        package var meters: MeterSource
        /// Whether audit events are read where they are exposed.
        package var readsLogins: Bool

        /// Makes a configuration.
        package init(
            name: String, baseURL: String, labels: LabelSet = LabelSet(), interval: Duration = .seconds(10),
            deadline: Duration = .seconds(5), credentials: HTTPCredentials = .none,
            trust: HTTPRequest.Trust = .system,
            meters: MeterSource = .automatic, readsLogins: Bool = true
        ) {
            self.name = name
            self.baseURL = baseURL
            self.labels = labels
            self.interval = interval
            self.deadline = deadline
            self.credentials = credentials
            self.trust = trust
            self.meters = meters
            self.readsLogins = readsLogins
        }
    }

    package nonisolated let target: Target
    /// A pod that goes is asked nothing more.
    package nonisolated var breaksOff: Bool { true }
    private let configuration: Configuration
    private let base: String
    private let ownPaths: [String]
    private let labels: LabelSet
    private let http: any HTTPFetching

    /// What the actuator was found to offer; nil before the first contact and after a failure.
    package private(set) var capabilities: ActuatorCapabilities?
    private var runsUntilDiscovery = 0
    private var backoff = HealthBackoff()
    private var lastHealth: HealthReading?
    /// Whether the pool was exhausted when the back-off last grew; its recovery then ends the back-off.
    private var grewOnExhaustion = false
    private var memory = MeterMemory()
    private let marks: (any LoginMarkKeeping)?
    private var audit = AuditState()

    /// Makes a probe.
    ///
    /// - Parameter marks: where it keeps how far it has read the audit events, so that the next probe of this target
    ///   goes on there; nil: logins count from the probe's first look on.
    package init(_ configuration: Configuration, http: any HTTPFetching, marks: (any LoginMarkKeeping)? = nil) {
        self.configuration = configuration
        self.http = http
        self.marks = marks
        var base = configuration.baseURL
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
        ownPaths = Self.ownPaths(base)
        let target = Target(
            kind: .actuator, name: configuration.name, address: Self.withoutCredentials(base),
            labels: configuration.labels,
            interval: configuration.interval, deadline: min(configuration.deadline, configuration.interval))
        self.target = target
        // A target that belongs to no workload is known by its id.
        let isWorkload = configuration.labels[LabelName.workload] != nil
        labels = isWorkload ? target.labels : target.labels.merging(LabelSet([Label(LabelName.target, target.id)]))
    }

    /// Looks once; see `Probe`.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        let session: ActuatorSession
        do throws(HTTPCredentials.Failure) {
            session = ActuatorSession(
                http: http, base: base, headers: try configuration.credentials.headers(), trust: configuration.trust,
                deadline: ContinuousClock.now + target.deadline - .milliseconds(100))
        } catch {
            return ProbeReport(outcome: .failure(.internal, error.message))
        }
        var isDenied = false
        var hasDiscovered = false
        runsUntilDiscovery -= 1
        if capabilities == nil || runsUntilDiscovery <= 0 {
            runsUntilDiscovery = Self.discoveryRuns
            switch await discover(session) {
            case .failure(let failure): return ProbeReport(outcome: failure.outcome)
            case .success(let denied):
                isDenied = denied
                hasDiscovered = true
            }
        }
        let capabilities = capabilities ?? .unknown
        let asksHealth = capabilities.mayHave("health") && backoff.takeTurn()
        async let asked = asksHealth ? readHealth(session) : nil
        let meters = await readMeters(session, capabilities, at: startedAt)
        let logins = await readLogins(session, capabilities, at: startedAt)
        let health = settle(await asked, meters, hasHealth: capabilities.mayHave("health"))
        var report = report(health, meters, isDenied: isDenied, portAnswered: hasDiscovered, at: startedAt)
        report.samples += logins.samples
        report.edges += logins.edges
        report.remarks += logins.remarks
        // A hanging health call alone says nothing about what is exposed; asking again would be one request more for
        // the pool's victim.
        // Silence is the exception: only another question tells a hanging health check from a dead port.
        let isSilent = report.outcome.failureClass == .silent
        if !report.outcome.isSuccess, !backoff.isBackingOff || isSilent { self.capabilities = nil }
        return report
    }

    /// Runs between two looks at what is exposed, an hour at the default interval: a restart between two runs may
    /// change it.
    static let discoveryRuns = 360

    // MARK: - First contact

    private struct Refusal: Error {
        var outcome: ProbeOutcome
    }

    /// Finds out what is exposed; the value says whether the list of links needs a login.
    private func discover(_ session: ActuatorSession) async -> Result<Bool, Refusal> {
        switch await session.get("", within: target.deadline / 2) {
        case .found(let response):
            capabilities = ActuatorCapabilities.parse(response) ?? .unknown
        case .missing, .status:
            // The list can be switched off; the endpoints are there all the same.
            capabilities = .unknown
        case .denied:
            capabilities = .unknown
            return .success(true)
        case .failed(let failure) where failure.failureClass == .timeout && failure.connected:
            return .failure(Refusal(outcome: .failure(.silent, "The port is open, but nothing on it answers.")))
        case .failed(let failure):
            return .failure(Refusal(outcome: .failure(failure.failureClass, failure.message)))
        case .notAsked:
            return .failure(Refusal(outcome: .failure(.internal, "The deadline is too short for a request.")))
        }
        return .success(false)
    }

    // MARK: - Health

    /// What came of asking for health.
    private enum HealthReading: Sendable {
        case health(ActuatorHealth)
        case missing
        case failed(FailureClass, String, isSilence: Bool)
    }

    private nonisolated func readHealth(_ session: ActuatorSession) async -> HealthReading? {
        switch await session.get("/health") {
        case .found(let response), .status(let response):
            if let body = JSONValue.parse(response.body), let health = ActuatorHealth(body) { return .health(health) }
            return response.status == 200
                ? .failed(.body, "Health is not what an actuator answers.", isSilence: false)
                : .failed(.status, "Health gave status \(response.status) without a health body.", isSilence: false)
        case .missing: return .missing
        case .denied(let status):
            return .failed(.auth, "Health needs credentials (status \(status)).", isSilence: false)
        case .failed(let failure):
            let isSilence = failure.failureClass == .timeout && failure.connected
            return .failed(failure.failureClass, failure.message, isSilence: isSilence)
        case .notAsked: return nil
        }
    }

    /// Applies the back-off: what is reported when health was not asked is what it said last.
    private func settle(_ asked: HealthReading?, _ meters: MetersReading, hasHealth: Bool) -> HealthReading? {
        guard hasHealth else { return nil }
        let isExhausted = Self.isPoolExhausted(meters.samples)
        guard let asked else {
            if grewOnExhaustion, !isExhausted, meters.failure == nil { backoff.reset() }
            return lastHealth
        }
        lastHealth = asked
        if case .missing = asked { capabilities?.absent.insert("health") }
        switch asked {
        case .health(let health) where !health.isUp && isExhausted:
            grewOnExhaustion = true
            backoff.grow()
        case .failed(_, _, let isSilence) where isSilence && meters.hasAnswer:
            grewOnExhaustion = isExhausted
            backoff.grow()
        default: backoff.reset()
        }
        return asked
    }

    /// Whether some pool has no free connection.
    private static func isPoolExhausted(_ samples: [Sample]) -> Bool {
        var active: [String: Double] = [:]
        var maximum: [String: Double] = [:]
        for sample in samples {
            let pool = sample.series.labels["pool"] ?? ""
            switch sample.series.metric {
            case "hikaricp_connections_active": active[pool] = sample.value
            case "hikaricp_connections_max": maximum[pool] = sample.value
            default: break
            }
        }
        return maximum.contains { $0.value > 0 && (active[$0.key] ?? 0) >= $0.value }
    }

    // MARK: - Meters

    private func readMeters(
        _ session: ActuatorSession, _ capabilities: ActuatorCapabilities, at time: Timestamp
    ) async -> MetersReading {
        let source = configuration.meters
        var isOffered = false
        if source == .prometheus || (source == .automatic && capabilities.mayHave("prometheus")) {
            let reading = await readPrometheus(session, at: time)
            if reading.isAvailable || source == .prometheus { return required(reading, "prometheus") }
            self.capabilities?.absent.insert("prometheus")
            isOffered = true
        }
        if source == .json || (source == .automatic && capabilities.mayHave("metrics")) {
            let reader = ActuatorMeterReader(session: session, labels: labels, time: time, ownPaths: ownPaths)
            let (reading, memory) = await reader.read(memory)
            self.memory = memory
            if !reading.isAvailable { self.capabilities?.absent.insert("metrics") }
            return source == .json ? required(reading, "metrics") : reading
        }
        var reading = MetersReading()
        reading.isAvailable = false
        reading.hasAnswer = isOffered
        return reading
    }

    private func required(_ reading: MetersReading, _ endpoint: String) -> MetersReading {
        guard !reading.isAvailable else { return reading }
        var reading = reading
        reading.failure = (.status, "The endpoint \(endpoint) is not exposed (status 404).")
        return reading
    }

    private func readPrometheus(_ session: ActuatorSession, at time: Timestamp) async -> MetersReading {
        var reading = MetersReading(hasAnswer: true)
        let accept = "text/plain;version=0.0.4;q=1, text/plain;q=0.9"
        switch await session.get("/prometheus", accept: accept, bodyBytesMax: 8 << 20) {
        case .missing: reading.isAvailable = false
        case .found(let response):
            let samples = ActuatorExposition.samples(response.body, labels: labels, at: time, ownPaths: ownPaths)
            reading.samples = samples ?? []
            if samples == nil { reading.failure = (.body, "The answer of /prometheus is no exposition.") }
        case .status(let response): reading.failure = (.status, "/prometheus gave status \(response.status).")
        case .denied(let status): reading.failure = (.auth, "/prometheus needs credentials (status \(status)).")
        case .failed(let failure):
            reading.hasAnswer = false
            reading.hasSilence = failure.failureClass == .timeout && failure.connected
            reading.failure = (failure.failureClass, failure.message)
        case .notAsked:
            reading.hasAnswer = false
            reading.failure = (.timeout, "There was no time left for /prometheus.")
        }
        return reading
    }

    // MARK: - Logins

    /// Reads the audit events where they are offered.
    ///
    /// How far they were read is kept when the next look begins: what the last one found is in the agent's queue then.
    private func readLogins(
        _ session: ActuatorSession, _ capabilities: ActuatorCapabilities, at time: Timestamp
    ) async -> AuditReading {
        guard configuration.readsLogins, capabilities.mayHave("auditevents") else { return AuditReading() }
        if audit.tally == nil, let mark = await marks?.mark(of: target.id) {
            audit.kept = mark
            audit.tally = LoginTally(from: mark)
        }
        await keepMark()
        let reader = AuditReader(session: session, labels: labels, time: time)
        var state = audit
        let reading = await reader.read(&state)
        audit = state
        if reading == nil { self.capabilities?.absent.insert("auditevents") }
        return reading ?? AuditReading()
    }

    private func keepMark() async {
        guard let mark = audit.tally?.mark, mark != audit.kept else { return }
        audit.kept = mark
        await marks?.keep(mark, of: target.id)
    }

    /// Keeps how far the audit events were read.
    package func close() async { await keepMark() }

    // MARK: - Verdict

    private func report(
        _ health: HealthReading?, _ meters: MetersReading, isDenied: Bool, portAnswered: Bool, at time: Timestamp
    ) -> ProbeReport {
        var samples = meters.samples
        var outcome = ProbeOutcome.success
        if let failure = meters.failure { outcome = .failure(failure.failureClass, failure.message) }
        switch health {
        case .health(let health):
            samples += health.samples(labels: labels, at: time)
            // Health answered, so the port is not silent: the meters alone hang.
            if meters.hasSilence { outcome = .failure(.timeout, "Health answers, but the meters do not.") }
        case .failed(let failureClass, let message, let isSilence):
            outcome = verdict(failureClass, message, isSilence: isSilence, portAnswered: portAnswered, meters)
        case .missing, nil:
            if !meters.isAvailable, meters.failure == nil {
                outcome =
                    isDenied
                    ? .failure(.auth, "The actuator needs credentials.")
                    : .failure(.status, "There is no actuator: neither health nor meters are exposed (status 404).")
            } else if meters.hasSilence, !meters.hasAnswer {
                outcome = .failure(.silent, "The port is open, but nothing on it answers.")
            }
        }
        return ProbeReport(outcome: outcome, samples: samples)
    }

    private func verdict(
        _ failureClass: FailureClass, _ message: String, isSilence: Bool, portAnswered: Bool, _ meters: MetersReading
    ) -> ProbeOutcome {
        guard isSilence else { return .failure(failureClass, message) }
        if meters.hasAnswer || portAnswered {
            return .failure(.timeout, "Health did not answer in time, while the port answers otherwise.")
        }
        return meters.hasSilence || !meters.isAvailable
            ? .failure(.silent, "The port is open, but nothing on it answers.") : .failure(.timeout, message)
    }

    // MARK: - URLs

    /// The paths under which the application counts our requests: the base's path, and its last part, since `uri` tags
    /// leave a context path out.
    private static func ownPaths(_ base: String) -> [String] {
        let rest = base.components(after: "://") ?? base[...]
        guard let slash = rest.firstIndex(of: "/") else { return ["/actuator"] }
        let path = String(rest[slash...])
        let last = "/" + (path.split(separator: "/").last.map(String.init) ?? "actuator")
        return path == last ? [path] : [path, last]
    }

    private static func withoutCredentials(_ url: String) -> String {
        guard let rest = url.components(after: "://"), let at = rest.prefix(while: { $0 != "/" }).lastIndex(of: "@")
        else {
            return url
        }
        return String(url.prefix(upTo: rest.startIndex) + rest[rest.index(after: at)...])
    }
}

extension String {
    /// What follows the first occurrence of `separator`.
    fileprivate func components(after separator: String) -> Substring? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(separator) { return self[self.index(index, offsetBy: separator.count)...] }
            index = self.index(after: index)
        }
        return nil
    }
}

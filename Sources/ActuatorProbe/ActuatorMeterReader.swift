import Probing
import Telemetry

/// What came of reading the meters, on either path.
struct MetersReading: Sendable {
    var samples: [Sample] = []
    /// Why they are missing or incomplete.
    var failure: (failureClass: FailureClass, message: String)?
    /// Whether the application answered any of the requests.
    var hasAnswer = false
    /// Whether a request found the port open and got no answer.
    var hasSilence = false
    /// Whether the endpoint is there.
    var isAvailable = true
}

/// What the JSON path remembers between two runs of one process of the application.
struct MeterMemory: Sendable {
    var startTime: Double?
    var heapPools: [String] = []
    var heapMaxima: [String: Double] = [:]
    /// Runs until pools and maxima are asked for again: they do not change while the process lives, so rarely.
    var poolsLeft = 0
    var requests: [String: (count: Double, sum: Double)] = [:]

    /// Own requests that may be counted between two looks of one run.
    static let ownRequestsSlack = 64.0

    /// Forgets what belongs to an earlier process.
    mutating func seen(startTime: Double) {
        guard self.startTime != startTime else { return }
        self = MeterMemory()
        self.startTime = startTime
    }

    /// Keeps counts from falling a little.
    ///
    /// Our own requests are subtracted with numbers read an instant later, so the difference may waver by the requests
    /// in between; a counter that falls would be read as a restart.
    mutating func settle(_ outcome: String, count: Double, sum: Double) -> (count: Double, sum: Double) {
        if let last = requests[outcome], count <= last.count, last.count - count <= Self.ownRequestsSlack {
            return last
        }
        // Sums fall behind counts in the same way, though never by more than what was subtracted twice.
        let settled = (
            count: max(0, count), sum: max(requests[outcome].map { count > $0.count ? $0.sum : 0 } ?? 0, sum)
        )
        requests[outcome] = settled
        return settled
    }
}

/// Reads the meters one by one from `/metrics/{name}`.
struct ActuatorMeterReader: Sendable {
    let session: ActuatorSession
    let labels: LabelSet
    let time: Timestamp
    let ownPaths: [String]

    /// Values of one tag asked for, at most.
    static let splitMax = 16
    /// Requests under way at once; health makes one more.
    static let inFlightMax = 2
    /// Runs between two looks at the heap's pools and maxima.
    static let poolRuns = 30

    /// The measurements of a meter.
    struct Measurements: Sendable {
        var values: [String: Double] = [:]
        var tags: [String: [String]] = [:]

        init?(_ body: JSONValue) {
            guard body["name"]?.string != nil, let list = body["measurements"]?.array else { return nil }
            let scale = Self.seconds(body["baseUnit"]?.string)
            for element in list {
                guard let statistic = element["statistic"]?.string, let value = element["value"]?.double else {
                    continue
                }
                values[statistic] = statistic == "TOTAL_TIME" || statistic == "MAX" ? value * scale : value
            }
            for tag in body["availableTags"]?.array ?? [] {
                guard let name = tag["tag"]?.string else { continue }
                tags[name] = (tag["values"]?.array ?? []).compactMap(\.string)
            }
        }

        private static func seconds(_ unit: String?) -> Double {
            switch unit {
            case "milliseconds": 1e-3
            case "microseconds": 1e-6
            case "nanoseconds": 1e-9
            default: 1
            }
        }
    }

    private struct Stop: Error {
        var failure: (failureClass: FailureClass, message: String)
        var isSilence = false
    }

    /// Reads all; what was read before a failure is kept.
    func read(_ memory: MeterMemory) async -> (reading: MetersReading, memory: MeterMemory) {
        var reading = MetersReading()
        var memory = memory
        let names: Set<String>
        switch await session.get("/metrics") {
        case .missing:
            reading.hasAnswer = true
            reading.isAvailable = false
            return (reading, memory)
        case .found(let response):
            reading.hasAnswer = true
            guard let list = JSONValue.parse(response.body)?["names"]?.array else {
                reading.failure = (.body, "The list of meters is not what an actuator answers.")
                return (reading, memory)
            }
            names = Set(list.compactMap(\.string))
        case let other:
            let stop = Self.stop(other, "the list of meters")
            reading.failure = stop.failure
            reading.hasSilence = stop.isSilence
            if case .failed = other {} else { reading.hasAnswer = true }
            return (reading, memory)
        }
        do throws(Stop) {
            try await readInOrder(names, &memory, &reading.samples)
            try await readRest(names, &reading.samples)
        } catch {
            reading.failure = error.failure
            reading.hasSilence = error.isSilence
        }
        return (reading, memory)
    }

    // MARK: - What depends on each other, one request at a time

    private func readInOrder(_ names: Set<String>, _ memory: inout MeterMemory, _ samples: inout [Sample])
        async throws(Stop)
    {
        if names.contains("process.start.time"), let value = try await meter("process.start.time")?.values["VALUE"] {
            memory.seen(startTime: value)
            add("process_start_time_seconds", LabelSet(), value, to: &samples)
        }
        if names.contains("http.server.requests") { try await readRequests(&memory, &samples) }
        if names.contains("jvm.memory.used") { try await readMemory(&memory, &samples) }
    }

    /// Requests by outcome, our own taken out.
    ///
    /// An outcome without requests is a 404, and means 0.
    private func readRequests(_ memory: inout MeterMemory, _ samples: inout [Sample]) async throws(Stop) {
        guard let all = try await meter("http.server.requests") else { return }
        for outcome in Set(all.tags["outcome"] ?? []).union(["SERVER_ERROR", "SUCCESS"]).sorted().prefix(Self.splitMax)
        {
            var count = 0.0
            var sum = 0.0
            var maximum: Double?
            if all.tags["outcome"]?.contains(outcome) ?? false,
                let total = try await meter("http.server.requests", [("outcome", outcome)])
            {
                count = total.values["COUNT"] ?? 0
                sum = total.values["TOTAL_TIME"] ?? 0
                maximum = total.values["MAX"]
                for uri in (total.tags["uri"] ?? []).filter({ ActuatorExposition.isOwn($0, ownPaths) }).prefix(
                    Self.splitMax)
                {
                    guard let own = try await meter("http.server.requests", [("uri", uri), ("outcome", outcome)]) else {
                        continue
                    }
                    count -= own.values["COUNT"] ?? 0
                    sum -= own.values["TOTAL_TIME"] ?? 0
                    // The greater of two maxima is known to be the application's only when it is beyond ours.
                    if let ownMaximum = own.values["MAX"], let value = maximum, value <= ownMaximum { maximum = nil }
                }
            }
            let settled = memory.settle(outcome, count: count, sum: sum)
            let label: LabelSet = ["outcome": outcome]
            add("http_server_requests_seconds_count", label, settled.count, to: &samples)
            add("http_server_requests_seconds_sum", label, settled.sum, to: &samples)
            if let maximum { add("http_server_requests_seconds_max", label, maximum, to: &samples) }
        }
    }

    /// The heap by pool, since a sum of maxima is no maximum; everything else of memory as sums by area.
    private func readMemory(_ memory: inout MeterMemory, _ samples: inout [Sample]) async throws(Stop) {
        if memory.heapPools.isEmpty || memory.poolsLeft <= 0 {
            let heap = try await meter("jvm.memory.used", [("area", "heap")])
            memory.heapPools = Array((heap?.tags["id"] ?? []).sorted().prefix(Self.splitMax))
            memory.heapMaxima = [:]
            for pool in memory.heapPools {
                let maximum = try await meter("jvm.memory.max", [("id", pool)])?.values["VALUE"]
                if let maximum, maximum >= 0 { memory.heapMaxima[pool] = maximum }
            }
            memory.poolsLeft = Self.poolRuns
        }
        memory.poolsLeft -= 1
        for pool in memory.heapPools {
            let label: LabelSet = ["area": "heap", "id": pool]
            if let used = try await meter("jvm.memory.used", [("id", pool)])?.values["VALUE"] {
                add("jvm_memory_used_bytes", label, used, to: &samples)
            }
            if let maximum = memory.heapMaxima[pool] { add("jvm_memory_max_bytes", label, maximum, to: &samples) }
        }
        for (name, metric, area) in [
            ("jvm.memory.used", "jvm_memory_used_bytes", "nonheap"),
            ("jvm.memory.committed", "jvm_memory_committed_bytes", "heap"),
            ("jvm.memory.committed", "jvm_memory_committed_bytes", "nonheap"),
        ] {
            if let value = try await meter(name, [("area", area)])?.values["VALUE"] {
                add(metric, ["area": area], value, to: &samples)
            }
        }
    }

    // MARK: - The rest, two at a time

    private func readRest(_ names: Set<String>, _ samples: inout [Sample]) async throws(Stop) {
        let apart: Set<String> = [
            "process.start.time", "http.server.requests", "jvm.memory.used", "jvm.memory.committed", "jvm.memory.max",
        ]
        let meters = ActuatorMeter.all.filter { names.contains($0.name) && !apart.contains($0.name) }
        let results = await withTaskGroup(of: Result<[Sample], Stop>.self) { group in
            var pending = meters[...]
            for _ in 0..<Self.inFlightMax {
                if let meter = pending.popFirst() { group.addTask { await self.result(of: meter) } }
            }
            var results: [Result<[Sample], Stop>] = []
            for await result in group {
                results.append(result)
                // After a failure nothing more is asked: the application has enough to do.
                if case .success = result, let meter = pending.popFirst() {
                    group.addTask { await self.result(of: meter) }
                }
            }
            return results
        }
        for result in results { if case .success(let part) = result { samples += part } }
        for result in results { if case .failure(let stop) = result { throw stop } }
    }

    private func result(of meter: ActuatorMeter) async -> Result<[Sample], Stop> {
        do throws(Stop) {
            return .success(try await read(meter))
        } catch {
            return .failure(error)
        }
    }

    private func read(_ meter: ActuatorMeter) async throws(Stop) -> [Sample] {
        var samples: [Sample] = []
        guard let tag = meter.splitBy else {
            if let found = try await self.meter(meter.name) { add(meter, found, meter.fixed, to: &samples) }
            return samples
        }
        var values = meter.splitValues
        if values.isEmpty {
            guard let found = try await self.meter(meter.name) else { return samples }
            values = (found.tags[tag] ?? []).sorted()
            guard values.count > 1 else {
                add(meter, found, LabelSet(values.map { Label(tag, $0) }), to: &samples)
                return samples
            }
        }
        for value in values.prefix(Self.splitMax) {
            guard let found = try await self.meter(meter.name, [(tag, value)]) else { continue }
            add(meter, found, LabelSet([Label(tag, value)]), to: &samples)
        }
        return samples
    }

    private func add(_ meter: ActuatorMeter, _ found: Measurements, _ label: LabelSet, to samples: inout [Sample]) {
        switch meter.kind {
        case .gauge:
            if let value = found.values["VALUE"] { add(meter.prometheusName, label, value, to: &samples) }
        case .counter:
            if let value = found.values["COUNT"] { add(meter.prometheusName, label, value, to: &samples) }
        case .timer:
            for (statistic, suffix) in [("COUNT", "_count"), ("TOTAL_TIME", "_sum"), ("MAX", "_max")] {
                if let value = found.values[statistic] {
                    add(meter.prometheusName + suffix, label, value, to: &samples)
                }
            }
        }
    }

    private func add(_ metric: String, _ label: LabelSet, _ value: Double, to samples: inout [Sample]) {
        guard !value.isNaN else { return }
        samples.append(Sample(Series(metric, label.merging(labels)), time, value))
    }

    // MARK: - One request

    /// The measurements of a meter; nil on 404, which means "not yet" or "nothing matches".
    private func meter(_ name: String, _ tags: [(String, String)] = []) async throws(Stop) -> Measurements? {
        let query = tags.map { "tag=" + QueryValue.encode("\($0.0):\($0.1)") }.joined(separator: "&")
        let answer = await session.get("/metrics/" + name + (query.isEmpty ? "" : "?" + query))
        switch answer {
        case .missing: return nil
        case .found(let response):
            guard let body = JSONValue.parse(response.body), let found = Measurements(body) else {
                throw Stop(failure: (.body, "The meter \(name) is not what an actuator answers."))
            }
            return found
        default: throw Self.stop(answer, "the meter \(name)")
        }
    }

    private static func stop(_ answer: ActuatorSession.Answer, _ what: String) -> Stop {
        switch answer {
        case .denied(let status): Stop(failure: (.auth, "Reading \(what) needs credentials (status \(status))."))
        case .status(let response): Stop(failure: (.status, "Reading \(what) gave status \(response.status)."))
        case .failed(let failure):
            Stop(
                failure: (failure.failureClass, failure.message),
                isSilence: failure.failureClass == .timeout && failure.connected)
        case .notAsked, .found, .missing:
            Stop(failure: (.timeout, "There was no time left for \(what): the application answers slowly."))
        }
    }
}

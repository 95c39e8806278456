package import Signals
package import Telemetry

/// Routes points to detectors, one for each subject and check, made when their first point comes.
///
/// What becomes of an open finding whose points stop:
/// - *Gone*: the last point had full coverage, so its contributors ended in order (deleted, scaled to zero). It closes
///   after `goneAfter`, and says so.
/// - *Silent*: contributors were missing. Nobody knows, so it stays open; after `silentAfter` it closes as unproven.
///
/// Detectors without a finding are dropped after `forgetAfter` without points.
package struct DetectorBank: Sendable {
    /// Limits and policies.
    package struct Configuration: Sendable, Hashable, Codable {
        /// Detectors; points for more are refused and counted.
        package var detectorsMax: Int
        /// After which an open finding closes whose contributors all ended in order.
        package var goneAfter: Duration
        /// After which an open finding closes, as unproven, whose contributors fell silent.
        package var silentAfter: Duration
        /// After which a detector without a finding is dropped when its points stop.
        package var forgetAfter: Duration

        /// Makes a configuration.
        package init(
            detectorsMax: Int = 100_000, goneAfter: Duration = .seconds(600), silentAfter: Duration = .seconds(86_400),
            forgetAfter: Duration = .seconds(3600)
        ) {
            self.detectorsMax = detectorsMax
            self.goneAfter = goneAfter
            self.silentAfter = silentAfter
            self.forgetAfter = forgetAfter
        }
    }

    /// What the bank did and holds; totals only rise.
    package struct Statistics: Sendable, Hashable {
        /// Points given.
        package var points = 0
        /// Times a detector could not be made for lack of room.
        package var refused = 0
        /// Findings opened.
        package var opened = 0
        /// Findings closed by a recovery.
        package var closed = 0
        /// Findings closed because their subject or their check went away.
        package var abandoned = 0
        /// Detectors dropped.
        package var evicted = 0
        /// Detectors now.
        package var detectors = 0

        /// Makes zeros.
        package init() {}
    }

    /// A finding that stood when the coordinator stopped.
    package struct OpenFinding: Sendable, Hashable, Codable {
        /// Whose finding.
        package var subject: Subject
        /// Name of the check.
        package var check: String
        /// Onset of the breach.
        package var onsetAt: Timestamp

        /// Makes one.
        package init(subject: Subject, check: String, onsetAt: Timestamp) {
            self.subject = subject
            self.check = check
            self.onsetAt = onsetAt
        }
    }

    /// The checks in force for a subject, overrides applied.
    package typealias ChecksOfSubject = @Sendable (Subject) -> [Check]

    /// One subject's detectors, in the order of its checks.
    struct Entry: Sendable {
        var detectors: [ThresholdDetector]
        /// When a detector of the subject last had a point.
        var lastPointAt: Timestamp
        /// Whether the last point of each detector had all contributors.
        var wasComplete: [Bool]
        /// Which detectors watch which signal: ranges of `positions`.
        private(set) var routes: [Route] = []
        private(set) var positions: [Int] = []
        /// The route of the last point.
        private var cursor = 0

        init(detectors: [ThresholdDetector], lastPointAt: Timestamp, wasComplete: [Bool]) {
            self.detectors = detectors
            self.lastPointAt = lastPointAt
            self.wasComplete = wasComplete
            findRoutes()
        }

        /// The route of a signal, empty when no check watches it.
        ///
        /// Signals come in the same order in each cell, so the one that came after this one last time is looked at
        /// first.
        mutating func route(of signal: SignalName) -> Range<Int> {
            if !routes.isEmpty {
                let next = routes[cursor].next
                if routes[next].signal == signal {
                    cursor = next
                    return routes[next].range
                }
            }
            let found = routes.firstIndex { $0.signal == signal }
            guard let place = found ?? addUnwatched(signal) else { return 0..<0 }
            routes[cursor].next = place
            cursor = place
            return routes[place].range
        }

        /// Gives a point to the detectors of its signal.
        mutating func take(_ points: [SignalPoint], _ place: Int, _ findings: inout [Finding]) {
            // Without names, so that a point that changes nothing is not copied.
            let cell = Cell(points[place])
            if cell.at.millis > lastPointAt.millis { lastPointAt = cell.at }
            let isComplete = cell.coverage.present >= cell.coverage.expected
            for next in route(of: points[place].signal) {
                let position = positions[next]
                if wasComplete[position] != isComplete { wasComplete[position] = isComplete }
                var windowed: WindowedValue?
                if detectors[position].passes(cell, &windowed) { continue }
                if let finding = detectors[position].take(points[place], windowed) { findings.append(finding) }
            }
        }

        private mutating func addUnwatched(_ signal: SignalName) -> Int? {
            guard routes.count < Self.routesMax else { return nil }
            routes.append(Route(signal: signal, range: 0..<0))
            return routes.count - 1
        }

        /// Signals known by name; further ones that no check watches are looked for anew each time.
        private static let routesMax = 64

        private mutating func findRoutes() {
            for (position, detector) in detectors.enumerated()
            where !routes.contains(where: { $0.signal == detector.check.signal }) {
                let signal = detector.check.signal
                let start = positions.count
                positions += detectors.indices.filter { $0 >= position && detectors[$0].check.signal == signal }
                routes.append(Route(signal: signal, range: start..<positions.count))
            }
        }
    }

    /// The detectors of one signal.
    struct Route: Sendable {
        let signal: SignalName
        let range: Range<Int>
        /// The route of the signal that came after this one.
        var next = 0
    }

    let configuration: Configuration
    var checks: ChecksOfSubject
    var entries: [Entry] = []
    var freeEntries: [Int] = []
    var indexBySubject: [Subject: Int] = [:]
    var counts = Statistics()
    /// When gone subjects were last looked for.
    var sweptAt: Timestamp?

    /// Makes a bank that asks for the checks of each subject when its first point comes.
    package init(configuration: Configuration = Configuration(), checks: @escaping ChecksOfSubject) {
        self.configuration = configuration
        self.checks = checks
    }

    /// Makes a bank with the same checks for every subject.
    package init(configuration: Configuration = Configuration(), checks: [Check]) {
        self.init(configuration: configuration) { _ in checks }
    }

    /// What the bank did and holds.
    package var statistics: Statistics { counts }

    /// Takes closed cells as the engine gives them: the same as for any sequence, compiled for arrays.
    package mutating func process(_ points: [SignalPoint]) -> [Finding] {
        var findings: [Finding] = []
        counts.points += points.count
        var last = -1
        var entry: Int?
        for index in points.indices {
            // Points of one subject come together: one look-up for all of them.
            if last < 0 || !points[last].subject.isSame(as: points[index].subject) {
                entry = self.entry(for: points[index].subject, at: points[index].at)
                last = index
            }
            if let entry { entries[entry].take(points, index, &findings) }
        }
        note(findings)
        return findings
    }

    /// Takes closed cells in the order in which the engine gave them, and gives the findings in the same order.
    package mutating func process(_ points: some Sequence<SignalPoint>) -> [Finding] { process(Array(points)) }

    private mutating func note(_ findings: [Finding]) {
        for finding in findings {
            if finding.phase == .opened { counts.opened += 1 }
            if finding.phase == .closed { counts.closed += 1 }
        }
    }

    /// The subject's entry, made on demand; nil when it has no checks or there is no room.
    private mutating func entry(for subject: Subject, at time: Timestamp) -> Int? {
        if let index = indexBySubject[subject] { return index }
        let checks = checks(subject)
        guard !checks.isEmpty else { return nil }
        guard counts.detectors + checks.count <= configuration.detectorsMax else {
            counts.refused += 1
            return nil
        }
        return insert(subject, checks.map { ThresholdDetector(subject: subject, check: $0) }, at: time)
    }

    mutating func insert(_ subject: Subject, _ detectors: [ThresholdDetector], at time: Timestamp) -> Int {
        let complete = Array(repeating: false, count: detectors.count)
        let entry = Entry(detectors: detectors, lastPointAt: time, wasComplete: complete)
        counts.detectors += detectors.count
        let index: Int
        if let reused = freeEntries.popLast() {
            index = reused
            entries[index] = entry
        } else {
            index = entries.count
            entries.append(entry)
        }
        indexBySubject[subject] = index
        return index
    }
}

package import Signals
package import Telemetry

/// Routes points to detectors, one for each subject and check, made when the first point of their signal and subject
/// comes.
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
        /// Whose; nil when the entry is free.
        var subject: Subject?
        var detectors: [ThresholdDetector]
        /// When a point of the subject last came.
        var lastPointAt: Timestamp
        /// Which detectors watch which signal: a place in the pool's plans.
        var plan: Int
        /// The entry of the subject that came after this one.
        var next = 0

        /// Gives points of the subject to the detectors of their signals, up to one whose detectors are to be made.
        ///
        /// - Parameter passesOver: whether points are passed over whose detectors are to be made.
        /// - Returns: where it ended.
        mutating func take(
            _ points: UnsafeBufferPointer<SignalPoint>, _ run: Range<Int>, _ names: NameBits, passesOver: Bool,
            _ plan: inout CheckPlan, _ steps: inout StepMillis, _ findings: inout [Finding]
        ) -> Int {
            var newest = lastPointAt
            var end = run.upperBound
            let watchers = plan.watchers
            // Once for all points, since each look into an array costs a count of its owners.
            detectors.withUnsafeMutableBufferPointer { detectors in
                for place in run {
                    let route = plan.route(of: place, names) ?? plan.find(points[place].signal)
                    if CheckPlan.isUnmade(route) {
                        if passesOver { continue }
                        end = place
                        break
                    }
                    // Without names, so that a point that changes nothing is not copied.
                    let cell = Cell(points[place])
                    if cell.at.millis > newest.millis { newest = cell.at }
                    let isComplete = cell.coverage.present >= cell.coverage.expected
                    for next in route {
                        let position = watchers[next].position
                        detectors[position].wasComplete = isComplete
                        var windowed: WindowedValue?
                        if detectors[position].passes(cell, watchers[next].tuning, &windowed, &steps) { continue }
                        if let finding = detectors[position].take(points[place], windowed) { findings.append(finding) }
                    }
                }
            }
            lastPointAt = newest
            return end
        }
    }

    let configuration: Configuration
    var checks: ChecksOfSubject
    var entries: [Entry] = []
    var freeEntries: [Int] = []
    var indexBySubject: [Subject: Int] = [:]
    var pool = CheckPool()
    /// The entry of the last point.
    private var cursor = 0
    private var steps = StepMillis()
    var counts = Statistics()
    /// When gone subjects were last looked for.
    package internal(set) var sweptAt: Timestamp?

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
        points.withUnsafeBufferPointer { process($0) }
    }

    /// The same for a part of an array.
    package mutating func process(_ points: UnsafeBufferPointer<SignalPoint>) -> [Finding] {
        var findings: [Finding] = []
        counts.points += points.count
        let names = NameBits(points)
        var start = 0
        while start < points.count {
            // Points of one subject come together: one look-up for all of them.
            var end = start + 1
            while end < points.count, names.isSameSubject(start, end) { end += 1 }
            if let entry = entry(for: points[start].subject, at: points[start].at) {
                take(points, start..<end, names, entry, &findings)
            }
            start = end
        }
        note(findings)
        return findings
    }

    /// Gives a subject's points to its detectors, those made before whose first point is among them.
    private mutating func take(
        _ points: UnsafeBufferPointer<SignalPoint>, _ run: Range<Int>, _ names: NameBits, _ entry: Int,
        _ findings: inout [Finding]
    ) {
        var place = run.lowerBound
        var hasRoom = true
        while place < run.upperBound {
            place = entries[entry].take(
                points, place..<run.upperBound, names, passesOver: !hasRoom, &pool.plans[entries[entry].plan], &steps,
                &findings)
            if place < run.upperBound {
                hasRoom = makeDetectors(for: Set(points[place..<run.upperBound].map(\.signal)), in: entry)
            }
        }
    }

    /// Takes closed cells in the order in which the engine gave them, and gives the findings in the same order.
    package mutating func process(_ points: some Sequence<SignalPoint>) -> [Finding] { process(Array(points)) }

    private mutating func note(_ findings: [Finding]) {
        for finding in findings {
            if finding.phase == .opened { counts.opened += 1 }
            if finding.phase == .closed { counts.closed += 1 }
        }
    }

    /// The entry of a point's subject, made on demand; nil when it has no checks or there is no room.
    ///
    /// Subjects come in the same order in each cell, so the one that came after the last one is looked at first.
    private mutating func entry(for subject: Subject, at time: Timestamp) -> Int? {
        if cursor < entries.count {
            let next = entries[cursor].next
            if next < entries.count, entries[next].subject?.isSame(as: subject) == true {
                cursor = next
                return next
            }
        }
        guard let index = indexBySubject[subject] ?? makeEntry(for: subject, at: time) else {
            return nil
        }
        if cursor < entries.count { entries[cursor].next = index }
        cursor = index
        return index
    }
}

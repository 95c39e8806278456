import Signals
import Telemetry

/// Which of a subject's detectors watch which signal; one for all subjects that have the same checks and the same
/// detectors of them.
///
/// A subject's detectors of a signal are made when its first point comes: a workload never has most of the signals that
/// there are checks for.
struct CheckPlan: Sendable {
    /// The detectors of one signal.
    private struct Route: Sendable {
        var signal: SignalName {
            didSet { bits = TextBits(signal.rawValue) }
        }
        private(set) var bits: TextBits
        let range: Range<Int>
        /// The route of the signal that came after this one.
        var next = 0

        init(signal: SignalName, range: Range<Int>) {
            self.signal = signal
            bits = TextBits(signal.rawValue)
            self.range = range
        }
    }

    /// A detector's place among those of its subject, with what follows from its check.
    ///
    /// The numbers are here too, so that a point that changes nothing does not look at the check.
    struct Watcher: Sendable {
        let position: Int
        let tuning: Tuning
    }

    /// Those of a signal together, each time in the order of the checks.
    let watchers: [Watcher]
    private var routes: [Route]
    /// The route of the last point.
    private var cursor = 0

    /// Signals known by name; further ones that no check watches are looked for anew each time.
    private static let routesMax = 64
    /// In place of the detectors of a signal that are still to be made.
    private static let unmade = -1..<0

    /// Whether a place of detectors stands for those that are still to be made.
    @inline(__always)
    static func isUnmade(_ route: Range<Int>) -> Bool { route.lowerBound < 0 }

    /// - Parameters:
    ///   - checks: those that have a detector, in the order of the detectors.
    ///   - unmade: the signals of checks that have none yet.
    init(_ checks: [SharedCheck], unmade: [SignalName]) {
        var routes: [Route] = []
        var watchers: [Watcher] = []
        for (place, shared) in checks.enumerated() where !routes.contains(where: { $0.signal == shared.check.signal }) {
            let start = watchers.count
            for position in place..<checks.count where checks[position].check.signal == shared.check.signal {
                watchers.append(Watcher(position: position, tuning: checks[position].tuning))
            }
            routes.append(Route(signal: shared.check.signal, range: start..<watchers.count))
        }
        routes += unmade.map { Route(signal: $0, range: Self.unmade) }
        self.watchers = watchers
        self.routes = routes
    }

    /// Where in `watchers` the detectors of a point's signal are, or what `isUnmade`; nil when the signal has to be
    /// looked for.
    ///
    /// Signals come in the same order for each subject and in each cell, so the one that came after this one last time
    /// is looked at first.
    @inline(__always)
    mutating func route(of place: Int, _ names: NameBits) -> Range<Int>? {
        guard !routes.isEmpty else { return nil }
        let next = routes[cursor].next
        guard names.hasSignal(place, routes[next].bits) else { return nil }
        cursor = next
        return routes[next].range
    }

    /// The same for any signal; empty when no check watches it.
    mutating func find(_ signal: SignalName) -> Range<Int> {
        let found = routes.firstIndex { $0.signal == signal }
        guard let place = found ?? addUnwatched(signal) else { return 0..<0 }
        // Held as the points hold it, so that it is known by its bits next time.
        routes[place].signal = signal
        routes[cursor].next = place
        cursor = place
        return routes[place].range
    }

    private mutating func addUnwatched(_ signal: SignalName) -> Int? {
        guard routes.count < Self.routesMax else { return nil }
        routes.append(Route(signal: signal, range: 0..<0))
        return routes.count - 1
    }
}

/// The checks and plans in use, each once.
///
/// There are as many as the overrides of the thresholds, and the signals that subjects have, make different.
struct CheckPool: Sendable {
    private struct PlanKey: Hashable, Sendable {
        var checks: [ObjectIdentifier]
        var unmade: [SignalName]
    }

    var plans: [CheckPlan] = []
    private var byCheck: [Check: SharedCheck] = [:]
    private var byChecks: [PlanKey: Int] = [:]

    /// The object that all detectors of an equal check hold.
    mutating func shared(_ check: Check) -> SharedCheck {
        if let known = byCheck[check] { return known }
        let made = SharedCheck(check)
        byCheck[check] = made
        return made
    }

    /// The place of the plan for these checks, which must be of this pool, while those of some signals have no
    /// detector.
    mutating func plan(for checks: [SharedCheck], unmade: [SignalName]) -> Int {
        let key = PlanKey(checks: checks.map { ObjectIdentifier($0) }, unmade: unmade)
        if let known = byChecks[key] { return known }
        plans.append(CheckPlan(checks, unmade: unmade))
        byChecks[key] = plans.count - 1
        return plans.count - 1
    }
}

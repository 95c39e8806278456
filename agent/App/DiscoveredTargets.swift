import Logging
import PodProbe
import Probing
import Synchronization

/// The pods that ask by annotation to be probed, as long as they run.
final class DiscoveredTargets: Sendable {
    /// What was found and what was not used.
    struct Counts: Hashable, Sendable {
        /// Targets probed.
        var targets = 0
        /// Targets beyond the limit.
        var leftOut = 0
        /// Pods whose annotations name no endpoint.
        var problems = 0
    }

    private struct State {
        /// Probes by endpoint, so that what does not change keeps its memory and its counters.
        var probes: [AnnotatedEndpoint: any Probe] = [:]
        var counts = Counts()
        var problems: Set<String> = []
    }

    private let targetsMax: Int
    private let roster: ProbeRoster
    private let logger: Logger
    private let makeProbe: @Sendable (AnnotatedEndpoint) -> any Probe
    private let state = Mutex(State())

    init(
        targetsMax: Int, roster: ProbeRoster, logger: Logger,
        makeProbe: @escaping @Sendable (AnnotatedEndpoint) -> any Probe
    ) {
        self.targetsMax = targetsMax
        self.roster = roster
        self.logger = logger
        self.makeProbe = makeProbe
    }

    var counts: Counts { state.withLock { $0.counts } }

    /// Takes what the pods ask for now: new ones are probed, those that are gone end at once.
    func take(_ discovery: PodDiscovery) {
        state.withLock { state in
            for problem in discovery.problems where !state.problems.contains(problem) {
                logger.warning("an annotation is not followed", metadata: ["reason": "\(problem)"])
            }
            state.problems = Set(discovery.problems)
            // Known ones go first, so that a new pod pushes nobody out.
            let known = discovery.endpoints.filter { state.probes[$0] != nil }
            let new = discovery.endpoints.filter { state.probes[$0] == nil }
            let kept = (known + new).prefix(targetsMax)
            state.probes = Dictionary(
                kept.map { ($0, state.probes[$0] ?? makeProbe($0)) }, uniquingKeysWith: { first, _ in first })
            state.counts = Counts(
                targets: kept.count, leftOut: discovery.endpoints.count - kept.count,
                problems: discovery.problems.count)
            roster.set(.discovered, Array(state.probes.values))
        }
    }
}

import Probing
import Synchronization

/// The probes of all sources as one set: what the file lists, what the coordinator assigns, what is discovered.
///
/// Of two with one target id the listed one wins, then the assigned one.
final class ProbeRoster: Sendable {
    /// Where probes come from; a later case wins.
    enum Source: Int, CaseIterable {
        case discovered
        case assigned
        case listed
    }

    private let runner: ProbeRunner<ContinuousClock>
    private let probes = Mutex<[Source: [any Probe]]>([:])

    init(runner: ProbeRunner<ContinuousClock>) {
        self.runner = runner
    }

    /// Replaces the probes of one source.
    ///
    /// - Parameter handedOver: targets that go on elsewhere, so that their series do not end.
    func set(_ source: Source, _ replacement: [any Probe], handedOver: Set<String> = []) {
        // Under the lock, so that two sources that change at once reach the runner in the order of their changes.
        probes.withLock { probes in
            probes[source] = replacement
            runner.update(probes: Source.allCases.flatMap { probes[$0] ?? [] }, handedOver: handedOver)
        }
    }
}

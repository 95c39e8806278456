package import Telemetry

/// Something that looks at one target.
///
/// The runner starts a probe at its target's interval, never two at once, so a probe may keep state between two runs.
package protocol Probe: Sendable {
    /// What is probed.
    var target: Target { get }

    /// Looks once and reports; never throws, since a target that fails is data.
    ///
    /// - Parameter startedAt: the wall-clock time of the start; used as timestamp where the source gives none.
    /// - Returns: when the target's deadline passes at the latest.
    func run(startedAt: Timestamp) async -> ProbeReport

    /// Whether a run under way is broken off when its target is taken out.
    ///
    /// Right where a run is many small requests to somebody who is about to go; a probe that holds a session ends its
    /// run and is closed then.
    var breaksOff: Bool { get }

    /// Ends what the probe holds open, such as a database session.
    func close() async
}

extension Probe {
    /// A run ends as it would.
    package var breaksOff: Bool { false }

    /// Nothing to close.
    package func close() async {}
}

/// What one probe of one target found.
package struct ProbeReport: Sendable, Hashable {
    /// What came of it.
    package var outcome: ProbeOutcome
    /// Samples, the target's identity labels included; without the `probe_*` series, which the runner adds.
    package var samples: [Sample]
    /// Transitions since the last look.
    package var edges: [Edge]
    /// What a person should know of a look although it succeeded: one sentence each.
    package var remarks: [String]

    /// Makes a report.
    package init(outcome: ProbeOutcome, samples: [Sample] = [], edges: [Edge] = [], remarks: [String] = []) {
        self.remarks = remarks
        self.outcome = outcome
        self.samples = samples
        self.edges = edges
    }
}

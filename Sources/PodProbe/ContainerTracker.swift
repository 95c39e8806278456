import KubernetesAPI
import Telemetry

/// What was last known of one container, and what happened since.
///
/// The kubelet shows two runs of a container, the present one and the one before. Runs are told apart by their
/// container id, so each end that is visible is reported once, whatever happened between two looks. Ends that have
/// already been pushed out of view show in the restart count alone: they are reported together, with reason `unseen`,
/// since nobody knows any more how they ended. An OOM kill is counted only where the kubelet says `OOMKilled`.
struct ContainerTracker {
    /// Run ids kept; a status names two at a time, so that four outlast any order of arrival.
    private static let runsMax = 4

    private(set) var restarts = 0
    /// OOM kills seen since the agent started.
    private(set) var oomKills: Int
    private var endedRuns = 0
    private var waitingReason = ""
    private var startedIDs: [String] = []
    private var endedIDs: [String] = []

    /// A container of which nothing has happened yet.
    ///
    /// - Parameter oomKills: those of the pod of the same name that this one replaces, so that the counter never falls.
    init(oomKills: Int = 0) {
        self.oomKills = oomKills
    }

    /// Takes `status` as it is, as what was there before anybody looked.
    mutating func adopt(_ status: ContainerStatus) {
        restarts = status.restartCount
        endedRuns = status.endedRuns
        waitingReason = status.waitingReason
        for run in status.runs {
            Self.remember(run.id, in: &startedIDs)
            if run.end != nil { Self.remember(run.id, in: &endedIDs) }
        }
    }

    /// What happened between the status before and `status`; labels are the caller's to put in.
    mutating func advance(to status: ContainerStatus, now: Timestamp) -> [Edge] {
        var edges: [Edge] = []
        if status.restartCount < restarts {
            // The kubelet counts anew when the runtime forgot the old containers: no edge is lost by starting over.
            endedRuns = min(endedRuns, status.restartCount)
            restarts = status.restartCount
        }
        edges += runEdges(status, now: now)
        if status.restartCount > restarts {
            edges.append(restartEdge(status, count: status.restartCount - restarts, now: now))
            restarts = status.restartCount
        }
        if status.waitingReason != waitingReason {
            let attributes: LabelSet = ["from": waitingReason, "to": status.waitingReason]
            edges.append(Edge(.waitingReasonChanged, at: now, labels: LabelSet(), attributes: attributes))
            waitingReason = status.waitingReason
        }
        return edges
    }

    private mutating func runEdges(_ status: ContainerStatus, now: Timestamp) -> [Edge] {
        var edges: [Edge] = []
        var visibleEnds = 0
        for run in status.runs {
            if let startedAt = run.startedAt, Self.remember(run.id, in: &startedIDs) {
                let attributes: LabelSet = ["image": status.image]
                edges.append(
                    Edge(.containerStarted, at: min(startedAt, now), labels: LabelSet(), attributes: attributes))
            }
            guard let end = run.end, Self.remember(run.id, in: &endedIDs) else { continue }
            visibleEnds += 1
            edges += endEdges(end, now: now)
        }
        let unseen = status.endedRuns - endedRuns - visibleEnds
        if unseen > 0 {
            let attributes: LabelSet = ["reason": "unseen"]
            edges.append(
                Edge(.containerTerminated, at: now, labels: LabelSet(), attributes: attributes, count: unseen))
        }
        endedRuns = status.endedRuns
        return edges
    }

    private mutating func endEdges(_ end: ContainerStatus.Terminated, now: Timestamp) -> [Edge] {
        let at = min(KubernetesTime.parse(end.finishedAt) ?? now, now)
        let terminated = Edge(.containerTerminated, at: at, labels: LabelSet(), attributes: Self.attributes(of: end))
        guard end.reason == "OOMKilled" else { return [terminated] }
        oomKills += 1
        return [terminated, Edge(.containerOOMKilled, at: at, labels: LabelSet(), attributes: terminated.attributes)]
    }

    private func restartEdge(_ status: ContainerStatus, count: Int, now: Timestamp) -> Edge {
        let newest = status.runs.last
        let at = newest?.startedAt ?? KubernetesTime.parse(newest?.end?.finishedAt) ?? now
        let attributes = status.lastState?.terminated.map(Self.attributes) ?? LabelSet()
        return Edge(.containerRestarted, at: min(at, now), labels: LabelSet(), attributes: attributes, count: count)
    }

    private static func attributes(of end: ContainerStatus.Terminated) -> LabelSet {
        var attributes: LabelSet = ["reason": end.reason ?? ""]
        if let exitCode = end.exitCode { attributes["exitCode"] = String(exitCode) }
        if let signal = end.signal ?? end.exitCode.flatMap(signal) { attributes["signal"] = String(signal) }
        return attributes
    }

    /// The signal N that shells and runtimes report as exit code 128 + N; 128 itself is a StartError's.
    private static func signal(_ exitCode: Int) -> Int? {
        (129...192).contains(exitCode) ? exitCode - 128 : nil
    }

    /// Puts `id` in and says whether it was new.
    @discardableResult
    private static func remember(_ id: String, in known: inout [String]) -> Bool {
        guard !known.contains(id) else { return false }
        known.append(id)
        if known.count > runsMax { known.removeFirst() }
        return true
    }
}

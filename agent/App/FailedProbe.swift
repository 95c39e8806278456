import Probing
import Telemetry

/// Stands for a target that cannot be probed as it is configured: it fails with the reason, for all to see.
struct FailedProbe: Probe {
    let target: Target
    let reason: String

    /// - Parameter id: `KIND/NAME` of the target; a kind that this version does not know becomes the agent's own fault.
    init(id: String, reason: String, interval: Duration) {
        let slash = id.firstIndex(of: "/") ?? id.endIndex
        let kind = Target.Kind(rawValue: String(id[..<slash])) ?? .agent
        var target = Target(
            kind: kind, name: String(id[slash...].dropFirst()), address: "", interval: interval, deadline: interval)
        target.id = id
        self.target = target
        self.reason = reason
    }

    func run(startedAt: Timestamp) async -> ProbeReport {
        ProbeReport(outcome: .failure(.internal, reason))
    }
}

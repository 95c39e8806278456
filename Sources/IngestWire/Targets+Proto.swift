import SwiftProtobuf
import Telemetry
package import TocsinProto

/// An answer to a heartbeat: what the agent may probe, and how long.
package struct TargetsAnswer: Hashable, Sendable {
    /// Why an agent probes a target, in the words of the wire.
    package enum Role: Hashable, Sendable {
        /// Its samples count.
        case owner
        /// It looks a second time.
        case witness
    }

    /// One target.
    package struct Assigned: Hashable, Sendable {
        /// Id, such as `postgresql/orders`.
        package var target: String
        /// Why it is probed.
        package var role: Role
        /// The entry as YAML.
        package var definition: String
        /// The interval of an entry that names none.
        package var defaultInterval: Duration

        /// Assigns a target.
        package init(target: String, role: Role, definition: String, defaultInterval: Duration) {
            self.target = target
            self.role = role
            self.definition = definition
            self.defaultInterval = defaultInterval
        }
    }

    /// The agent's clock in the heartbeat that is answered.
    package var answeredUptime: Duration
    /// How long the answer is good from there.
    package var lease: Duration
    /// What the agent may probe.
    package var targets: [Assigned]
    /// Targets that are configured no more.
    package var removed: [String]

    /// Makes an answer.
    package init(answeredUptime: Duration, lease: Duration, targets: [Assigned], removed: [String]) {
        self.answeredUptime = answeredUptime
        self.lease = lease
        self.targets = targets
        self.removed = removed
    }

    /// Reads the message; throws beyond the limits.
    ///
    /// A target with a role of a newer coordinator is left out.
    package init(proto: Tocsin_V1_Targets, limits: WireLimits) throws(WireError) {
        try limits.count(proto.targets.count, atMost: limits.targetsMax, "assigned targets")
        try limits.count(proto.removed.count, atMost: limits.targetsMax, "removed targets")
        var targets: [Assigned] = []
        for target in proto.targets {
            guard let role = Role(proto: target.grant.role) else { continue }
            targets.append(
                Assigned(
                    target: try limits.name(target.grant.target, "a target id"), role: role,
                    definition: try limits.definition(target.definition),
                    defaultInterval: .milliseconds(Int64(clamping: target.defaultIntervalMillis))))
        }
        var removed: [String] = []
        for id in proto.removed { removed.append(try limits.name(id, "a target id")) }
        self.init(
            answeredUptime: .milliseconds(Int64(clamping: proto.answeredUptimeMillis)),
            lease: .milliseconds(Int64(clamping: proto.leaseMillis)), targets: targets, removed: removed)
    }

    /// The message.
    package var proto: Tocsin_V1_Targets {
        .with {
            $0.answeredUptimeMillis = UInt64(clamping: answeredUptime.wholeMilliseconds)
            $0.leaseMillis = UInt64(clamping: lease.wholeMilliseconds)
            $0.targets = targets.map { target in
                .with {
                    $0.grant = .with {
                        $0.target = target.target
                        $0.role = target.role.proto
                    }
                    $0.definition = target.definition
                    $0.defaultIntervalMillis = UInt64(clamping: target.defaultInterval.wholeMilliseconds)
                }
            }
            $0.removed = removed
        }
    }
}

extension TargetsAnswer.Role {
    /// Reads the word; nil when this version does not know it.
    package init?(proto: Tocsin_V1_Role) {
        switch proto {
        case .owner: self = .owner
        case .witness: self = .witness
        default: return nil
        }
    }

    /// The word.
    package var proto: Tocsin_V1_Role {
        switch self {
        case .owner: .owner
        case .witness: .witness
        }
    }
}

extension Tocsin_V1_Heartbeat {
    /// What the agent says it probes under leases, checked; roles of another version are left out.
    package func held(limits: WireLimits) throws(WireError) -> [(target: String, role: TargetsAnswer.Role)] {
        try limits.count(holding.count, atMost: limits.targetsMax, "held targets")
        var held: [(target: String, role: TargetsAnswer.Role)] = []
        for grant in holding {
            guard let role = TargetsAnswer.Role(proto: grant.role) else { continue }
            held.append((try limits.name(grant.target, "a target id"), role))
        }
        return held
    }
}

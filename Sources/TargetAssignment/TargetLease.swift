/// What an agent may do with a target for the length of a lease.
package struct TargetGrant: Hashable, Sendable {
    /// Why an agent probes a target.
    package enum Role: String, Hashable, Sendable {
        /// The one whose samples count.
        case owner
        /// The second who looks whether the target is down, as the owner says; its samples do not count.
        case witness
    }

    /// Id of the target.
    package var target: String
    /// Why it is probed.
    package var role: Role

    /// Grants a target.
    package init(target: String, role: Role) {
        self.target = target
        self.role = role
    }
}

/// A lease as the coordinator keeps it.
struct TargetLease: Hashable, Sendable {
    var agent: String
    /// Until then nobody else may have the role; the agent stops earlier by its own clock.
    var expiresAt: Duration
    /// It is not renewed: the agent lets go at its next sign of life, or the lease runs out.
    var isEnding = false
    /// What its holder last said of the target under this lease; nil when it has said nothing yet.
    var isFailing: Bool?
}

/// One stretch of time in which an agent's samples of a target count, on the coordinator's clock.
struct OwnershipSpan: Hashable, Sendable {
    var agent: String
    var from: Duration
    /// Nil while it lasts.
    var to: Duration?
}

/// Where marks of audit logs outlive the probes that made them.
package protocol LoginMarkKeeping: Sendable {
    /// The mark kept last of that target's log; nil when there is none.
    func mark(of target: String) async -> LoginTally.Mark?

    /// Keeps a mark in place of the target's last one.
    func keep(_ mark: LoginTally.Mark, of target: String) async
}

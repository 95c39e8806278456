/// One fault of the demo: how it is provoked, how it is undone, and which incidents may follow.
struct Fault: Sendable {
    /// An incident by its subject and check group.
    struct Expectation: Hashable, Sendable, CustomStringConvertible {
        var subject: String
        var checkGroup: String

        init(_ subject: String, _ checkGroup: String) {
            self.subject = subject
            self.checkGroup = checkGroup
        }

        var description: String { "\(checkGroup) of \(subject)" }
    }

    /// What happens, for people.
    var title: String
    /// Incidents that must open.
    var expected: [Expectation]
    /// Incidents that may open beside them.
    var allowed: [Expectation]
    /// Provokes the fault.
    var provoke: @Sendable () async throws -> Void
    /// Undoes it.
    var undo: @Sendable () async throws -> Void
}

/// One row of the last table.
struct Outcome: Sendable {
    var fault: String
    var incident: String
    var severity: String
    var subject: String
    var checkGroup: String
    var secondsToIncident: Double?
    var secondsToRecovery: Double?
}

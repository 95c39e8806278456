/// Why a command on an incident was refused.
package struct IncidentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of refusal.
    package enum Code: String, Sendable {
        /// No incident has this id.
        case notFound
        /// The incident is no longer in memory; it can be read, not changed.
        case archived
        /// The state machine has no such move.
        case illegalTransition
        /// Somebody else has acknowledged it at this severity or a worse one.
        case alreadyAcknowledged
        /// The incident is no longer at the version that the command was meant for.
        case changed
        /// The incident is resolved.
        case alreadyResolved
        /// The incident is not resolved, and what is asked for belongs after its end.
        case notOver
        /// Author, text or cause is empty, too long or holds control characters.
        case invalidText
        /// There are as many silences as there may be.
        case tooManySilences
        /// The incident has all the notes it may have.
        case tooManyNotes
    }

    /// The kind of refusal.
    package var code: Code
    /// One sentence for people.
    package var message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    package static func == (lhs: IncidentError, rhs: IncidentError) -> Bool { lhs.code == rhs.code }
}

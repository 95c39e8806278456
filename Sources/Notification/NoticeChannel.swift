package import Runbook

/// A way to people.
package protocol NoticeChannel: Sendable {
    /// Hands a send to the receiver and waits for its answer.
    ///
    /// Never throws, and returns within the channel's own time limit. Cancelled, it returns `.failed`: the receiver may
    /// have it all the same, which is why the key of a resend is the same.
    func deliver(_ send: OutboxMachine.Send) async -> OutboxMachine.Outcome
}

/// Why a secret is not to be had now; holds no part of it.
package struct SecretProblem: Error, CustomStringConvertible, Sendable {
    /// One sentence for people.
    package var message: String

    /// Makes a problem.
    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}

/// Reads a secret at the time of use, so that a rotated one takes effect.
package typealias Secret = @Sendable () throws(SecretProblem) -> String

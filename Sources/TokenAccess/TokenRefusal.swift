/// Why a caller's token does not let it in.
package struct TokenRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sorts of refusal, each counted by itself.
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        /// No token came.
        case missing
        /// What came is no token.
        case malformed
        /// It is past its end.
        case expired
        /// It is not for us.
        case audience
        /// The API server does not accept it: a wrong signature, a deleted account, a pod that is gone.
        case invalid
        /// It is an agent's, and of no node.
        case unbound
        /// The API server gives no answer.
        case unavailable
        /// The API server does not let us ask.
        case forbidden
        /// Too many tokens at once, or too many bad ones from one address.
        case overloaded
    }

    /// The sort.
    package var reason: Reason
    /// One sentence for the caller, without the token.
    package var message: String

    /// Makes a refusal.
    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { "\(reason.rawValue): \(message)" }
}

/// Why a value is refused.
package struct ValueProblem: Error, Hashable, Sendable {
    /// What is wrong, without the value.
    package var reason: String
    /// What was probably meant.
    package var suggestion: String?
    /// Whether the value must not be repeated in a message.
    package var hidesValue: Bool

    /// Makes a problem.
    package init(_ reason: String, suggestion: String? = nil, hidesValue: Bool = false) {
        self.reason = reason
        self.suggestion = suggestion
        self.hidesValue = hidesValue
    }
}

/// What can go wrong with the spool at run time.
///
/// Damaged contents are not among it: they are counted, located and stepped over. Two errors are equal when their codes
/// are.
package struct SpoolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The class of fault.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String { case full, inputOutput, locked, tooLarge, closed }

        private var value: Value

        /// No space left on the disk, or no quota: a retry can help.
        ///
        /// The spool is as it was before the call.
        package static let full = Code(value: .full)
        /// Another failure of the file system, such as a read-only disk.
        package static let inputOutput = Code(value: .inputOutput)
        /// Another process has the directory open.
        package static let locked = Code(value: .locked)
        /// The records are larger than the limits allow: a retry never helps.
        package static let tooLarge = Code(value: .tooLarge)
        /// The spool was closed, or replaced by that of a new session.
        package static let closed = Code(value: .closed)

        package var description: String { value.rawValue }
    }

    /// The class of fault.
    package var code: Code
    /// What was tried, for people.
    package var message: String
    /// The operating system's number, 0 when it was not asked.
    package var errorNumber: Int32

    init(_ code: Code, _ message: String, errorNumber: Int32 = 0) {
        self.code = code
        self.message = message
        self.errorNumber = errorNumber
    }

    package static func == (lhs: SpoolError, rhs: SpoolError) -> Bool { lhs.code == rhs.code }

    package var description: String {
        errorNumber == 0 ? "spool \(code): \(message)" : "spool \(code): \(message) (errno \(errorNumber))"
    }
}

/// What can go wrong when certificates are made, stored, read or judged.
///
/// Messages name files and names, never key material.
package struct CertificateAuthorityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sort of fault.
    package struct Code: Hashable, Sendable {
        private enum Value { case invalidName, invalidHost, exists, file, malformed, expired, identity, untrusted }

        private var value: Value

        /// A cluster, node or user name that no identity can hold.
        package static let invalidName = Code(value: .invalidName)
        /// A host that is neither a DNS name nor an IP address.
        package static let invalidHost = Code(value: .invalidHost)
        /// A file is there already and overwriting was not asked for.
        package static let exists = Code(value: .exists)
        /// A file could not be read or written.
        package static let file = Code(value: .file)
        /// Bytes that are no certificate or key, or a key that does not belong to its certificate.
        package static let malformed = Code(value: .malformed)
        /// The authority is not valid at this time.
        package static let expired = Code(value: .expired)
        /// A certificate that names no Tocsin identity, or names one ambiguously.
        package static let identity = Code(value: .identity)
        /// A chain that does not lead to a trusted root, or is not for this use.
        package static let untrusted = Code(value: .untrusted)
    }

    /// The sort of fault.
    package var code: Code
    /// One sentence for people.
    package var message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

import FoundationEssentials

/// Where a secret is to be had.
///
/// The secret itself is never kept in settings.
package enum SecretReference: Hashable, Sendable {
    /// A file that holds the secret and nothing else but perhaps a newline at its end.
    case file(String)
    /// An environment variable.
    case environment(String)

    /// Largest secret that is read.
    package static let bytesMax = 64 << 10

    /// Reads the secret.
    ///
    /// To be called each time it is needed, so that a rotated secret takes effect.
    ///
    /// Throws `SecretError` with the place of the secret but not the secret.
    package func read(environment: [String: String]) throws(SecretError) -> String {
        switch self {
        case .environment(let name):
            guard let value = environment[name], !value.isEmpty else {
                throw SecretError(message: "the environment variable '\(name)' is not set")
            }
            return value
        case .file(let path):
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw SecretError(message: "the file '\(path)' cannot be read")
            }
            guard bytes.count <= Self.bytesMax, var text = String(validating: bytes, as: UTF8.self) else {
                throw SecretError(message: "the file '\(path)' is no text of at most \(Self.bytesMax) bytes")
            }
            if text.hasSuffix("\r\n") { text.removeLast() } else if text.hasSuffix("\n") { text.removeLast() }
            guard !text.isEmpty else { throw SecretError(message: "the file '\(path)' is empty") }
            return text
        }
    }
}

/// Why a secret cannot be had; never holds the secret.
package struct SecretError: Error, Hashable, CustomStringConvertible {
    /// One sentence for people.
    package var message: String

    package var description: String { message }
}

import ConfigurationKit
import Glibc

/// Gives every secret a path, since the probes read theirs anew at each use: a file as it is, an environment variable
/// through an anonymous file in memory that no other process can open by name.
struct SecretFiles: Sendable {
    let environment: [String: String]

    /// The path to read the secret from; throws when an environment variable is missing.
    func path(_ reference: SecretReference) throws -> String {
        switch reference {
        case .file(let path): return path
        case .environment: return try inMemory(try reference.read(environment: environment))
        }
    }

    private func inMemory(_ secret: String) throws -> String {
        let descriptor = memfd_create("tocsin-secret", UInt32(MFD_CLOEXEC))
        guard descriptor >= 0 else { throw SecretError(message: "no memory file for a secret: error \(errno)") }
        let bytes = Array(secret.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            close(descriptor)
            throw SecretError(message: "a secret could not be put into memory: error \(errno)")
        }
        return "/proc/self/fd/\(descriptor)"
    }
}

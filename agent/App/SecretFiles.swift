import ConfigurationKit
import FoundationEssentials
import Glibc

/// Gives every secret a path, since the probes read theirs anew at each use: a file as it is, an environment variable
/// through a file that is unlinked before the secret is written, so that nobody else can open it.
struct SecretFiles: Sendable {
    /// Why a secret has no path; without the secret.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let environment: [String: String]
    /// Folder that takes the unlinked files; made when missing.
    let directory: String

    /// The path to read the secret from; throws when an environment variable is missing.
    func path(_ reference: SecretReference) throws -> String {
        switch reference {
        case .file(let path): return path
        case .environment: return try unlinked(try reference.read(environment: environment))
        }
    }

    private func unlinked(_ secret: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let path = "\(directory)/.secret-\(getpid())"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(description: "no file for a secret in \(directory): error \(errno)")
        }
        unlink(path)
        let bytes = Array(secret.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            close(descriptor)
            throw Failure(description: "a secret could not be kept in \(directory): error \(errno)")
        }
        return "/proc/self/fd/\(descriptor)"
    }
}

import FoundationEssentials
import Glibc

/// A directory of `NAME.crt` and `NAME.key` files, with the authority as `ca.crt` and `ca.key`.
///
/// Keys are made with mode 0600 and certificates with 0644. A file appears whole or not at all, and what is there is
/// never replaced unless `force` says so.
package struct CertificateDirectory: Sendable {
    /// Name of the authority's files without extension.
    package static let authorityName = "ca"

    /// The directory.
    package let path: String

    /// Names a directory; nothing is read or made yet.
    package init(path: String) {
        self.path = path
    }

    /// Path of a certificate by its name without extension.
    package func certificatePath(_ name: String) -> String { "\(path)/\(name).crt" }

    /// Path of a key by its name without extension.
    package func keyPath(_ name: String) -> String { "\(path)/\(name).key" }

    /// Whether a certificate or a key of this name is there, dangling links included.
    package func holds(_ name: String) -> Bool {
        [certificatePath(name), keyPath(name)].contains { path in
            var status = stat()
            return lstat(path, &status) == 0
        }
    }

    /// Makes the directory with mode 0700 when it is missing, parents too.
    package func make() throws(CertificateAuthorityError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CertificateAuthorityError(.file, "cannot make the directory \(path)")
        }
    }

    /// Reads the authority; throws `file` or `malformed` with the file's name.
    package func authority() throws(CertificateAuthorityError) -> CertificateAuthority {
        let certificate = try Self.read(certificatePath(Self.authorityName))
        let key = try Self.read(keyPath(Self.authorityName))
        do throws(CertificateAuthorityError) {
            return try CertificateAuthority(certificatePEM: certificate, privateKeyPEM: key)
        } catch {
            throw CertificateAuthorityError(error.code, "\(path)/\(Self.authorityName).crt: \(error.message)")
        }
    }

    /// Writes an authority's files; throws `exists` when there is one and `force` is false.
    package func store(_ authority: CertificateAuthority, force: Bool = false) throws(CertificateAuthorityError) {
        try store(try authority.files, name: Self.authorityName, force: force)
    }

    /// Writes a certificate and its key; throws `exists` when either file is there and `force` is false.
    package func store(_ files: CertificateFiles, name: String, force: Bool = false) throws(CertificateAuthorityError) {
        if !force {
            for path in [certificatePath(name), keyPath(name)] {
                var status = stat()
                if lstat(path, &status) == 0 { throw Self.alreadyThere(path) }
            }
        }
        // The key goes first: a certificate without its key is of no use, a key without its certificate does no harm.
        try Self.write(files.privateKeyPEM, to: keyPath(name), mode: 0o600, force: force)
        do throws(CertificateAuthorityError) {
            try Self.write(files.certificatePEM, to: certificatePath(name), mode: 0o644, force: force)
        } catch {
            if !force { unlink(keyPath(name)) }
            throw error
        }
        try syncDirectory()
    }

    /// Reads a PEM file of at most 1 MiB; throws `file` with the reason.
    package static func read(_ path: String) throws(CertificateAuthorityError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("read", path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("read", path) }
            if got == 0 { break }
            count += got
        }
        guard count < bytes.count, let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw CertificateAuthorityError(.malformed, "\(path) is not a PEM file")
        }
        return text
    }

    /// Writes a temporary file, then links it into place: the link fails when the name is taken, a rename replaces it.
    private static func write(
        _ text: String, to path: String, mode: mode_t, force: Bool
    ) throws(CertificateAuthorityError) {
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw failure("write", path) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(temporary) }
        let written =
            writeAll(Array(text.utf8), to: descriptor) && fchmod(descriptor, mode) == 0 && fsync(descriptor) == 0
        let reason = written ? nil : failure("write", path)
        guard close(descriptor) == 0, written else { throw reason ?? failure("write", path) }
        if force {
            guard rename(temporary, path) == 0 else { throw failure("write", path) }
        } else {
            guard link(temporary, path) == 0 else {
                throw errno == EEXIST ? alreadyThere(path) : failure("write", path)
            }
        }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func syncDirectory() throws(CertificateAuthorityError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure("write", path) }
    }

    private static func alreadyThere(_ path: String) -> CertificateAuthorityError {
        CertificateAuthorityError(.exists, "\(path) is there already; it is replaced only with --force")
    }

    private static func failure(_ verb: String, _ path: String) -> CertificateAuthorityError {
        CertificateAuthorityError(.file, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}

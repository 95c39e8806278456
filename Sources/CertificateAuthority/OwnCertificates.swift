package import FoundationEssentials
import X509

/// An authority and a server's pair that a daemon makes for itself and keeps in a directory of its own.
///
/// The authority is made once; the pair is made again before it ends, when its hosts change, and when another authority
/// signed it.
package struct OwnCertificates: Sendable {
    /// How long a pair is valid: 90 days.
    package static let validity: Duration = .seconds(90 * 86_400)
    /// A pair with less than this left is made again: 30 days, so that a month of failed attempts does no harm.
    package static let renewBefore: Duration = .seconds(30 * 86_400)
    /// Hosts that are always in the certificate: those of a forwarded port.
    package static let loopback = ["localhost", "127.0.0.1"]
    private static let pairName = "coordinator"

    /// The directory.
    package let directory: CertificateDirectory
    private let hosts: [String]

    /// Names the directory and what callers call the server; nothing is read or made yet.
    package init(path: String, hosts: [String]) {
        directory = CertificateDirectory(path: path)
        let given = hosts.map(CertificateRole.canonical(host:))
        self.hosts = given + Self.loopback.filter { !given.contains($0) }
    }

    /// PEM file of the authority's certificate.
    package var authorityFile: String { directory.certificatePath(CertificateDirectory.authorityName) }
    /// PEM file of the server's certificate.
    package var certificateFile: String { directory.certificatePath(Self.pairName) }
    /// PEM file of the server's key.
    package var keyFile: String { directory.keyPath(Self.pairName) }

    /// Makes what is missing and what is due; gives whether there was anything to make.
    ///
    /// An authority that is there and cannot be used is an error: a new one would lock out all who trust the old one.
    @discardableResult
    package func prepare(now: Date) throws(CertificateAuthorityError) -> Bool {
        try directory.make()
        let hasAuthority = FileManager.default.fileExists(atPath: authorityFile)
        let authority: CertificateAuthority
        if hasAuthority {
            authority = try directory.authority()
        } else {
            authority = try CertificateAuthority(name: "Tocsin coordinator CA", now: now)
            // A key without a certificate is what a crash between the two left; it has signed nothing.
            try directory.store(authority, force: true)
        }
        guard !hasAuthority || isDue(of: authority, now: now) else { return false }
        let pair = try authority.issue(.coordinator(hosts: hosts), now: now, validity: Self.validity)
        try directory.store(pair, name: Self.pairName, force: true)
        return true
    }

    private func isDue(of authority: CertificateAuthority, now: Date) -> Bool {
        guard now < authority.certificate.notValidAfter,
            let pem = try? CertificateDirectory.read(certificateFile), let summary = try? CertificateSummary(pem: pem),
            let key = try? CertificateDirectory.read(keyFile), authority.vouches(for: pem, key: key)
        else { return true }
        let left = summary.notValidAfter.timeIntervalSince(now)
        // Near its own end the authority cannot sign for longer; once a day is then often enough.
        let longest = min(
            Double(Self.validity.components.seconds), authority.certificate.notValidAfter.timeIntervalSince(now))
        let isShort = left < Double(Self.renewBefore.components.seconds) && left + 86_400 < longest
        return isShort || summary.role != .coordinator(hosts: hosts)
    }
}

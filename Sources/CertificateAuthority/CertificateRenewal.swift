package import FoundationEssentials
import SwiftASN1
import X509

/// What a certificate's files say about it.
package struct CertificateSummary: Hashable, Sendable {
    /// What it is for, which the certificate that replaces it is for too.
    package var role: CertificateRole
    /// When it ends.
    package var notValidAfter: Date

    /// Reads a PEM certificate, whose chain nobody has verified; throws `malformed` or `identity`.
    ///
    /// Of a chain the leaf counts, which is first.
    package init(pem: String) throws(CertificateAuthorityError) {
        let certificate: Certificate
        do {
            guard let first = try PEMDocument.parseMultiple(pemString: pem).first else {
                throw CertificateAuthorityError(.malformed, "not a PEM certificate")
            }
            certificate = try Certificate(pemDocument: first)
        } catch {
            throw CertificateAuthorityError(.malformed, "not a PEM certificate")
        }
        notValidAfter = certificate.notValidAfter
        role = try CertificateRole(certificate)
    }
}

extension CertificateRole {
    /// Reads what a certificate is for from its usage and names; throws `identity` when it is for nothing of ours.
    init(_ certificate: Certificate) throws(CertificateAuthorityError) {
        let usage = try? certificate.extensions.extendedKeyUsage
        guard usage?.contains(.serverAuth) == true else {
            switch try PeerIdentity(certificate: certificate) {
            case .agent(let cluster, let node): self = .agent(cluster: cluster, node: node)
            case .user(let role, let name): self = .user(role: role, name: name)
            }
            return
        }
        var hosts: [String] = []
        for name in (try? certificate.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames() {
            switch name {
            case .dnsName(let host): hosts.append(host)
            case .ipAddress(let address): hosts.append(try Self.text(ofAddress: Array(address.bytes)))
            default: break
            }
        }
        guard !hosts.isEmpty else {
            throw CertificateAuthorityError(.identity, "the server certificate names no host")
        }
        self = .coordinator(hosts: hosts)
    }
}

extension CertificateDirectory {
    /// Names, without extension, of the certificates that have a key beside them, the authority's left out; sorted.
    package func leafNames() throws(CertificateAuthorityError) -> [String] {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw CertificateAuthorityError(.file, "cannot read the directory \(path)")
        }
        return files.filter { $0.hasSuffix(".crt") }.map { String($0.dropLast(4)) }
            .filter { $0 != Self.authorityName && files.contains($0 + ".key") }.sorted()
    }

    /// Reads what a certificate is for and when it ends; the error names the file.
    package func summary(_ name: String) throws(CertificateAuthorityError) -> CertificateSummary {
        let pem = try Self.read(certificatePath(name))
        do throws(CertificateAuthorityError) {
            return try CertificateSummary(pem: pem)
        } catch {
            throw CertificateAuthorityError(error.code, "\(certificatePath(name)): \(error.message)")
        }
    }
}

import SwiftASN1
import X509

/// Roots that a server trusts, and the judgement of what a client shows it.
///
/// The judgement is RFC 5280's (validity, basic constraints, name constraints, signatures), as swift-certificates
/// implements it, and that the leaf may be used by clients (RFC 5280, section 4.2.1.12).
package struct TrustRoots: Sendable {
    /// Most roots in a file.
    package static let rootsMax = 100
    /// Most certificates that a client may show.
    package static let presentedMax = 10

    private let roots: CertificateStore
    /// Number of roots.
    package let count: Int

    /// Reads the PEM certificates of a file; throws `malformed` when there is none, too many, or one that is no
    /// authority's.
    package init(pem: String) throws(CertificateAuthorityError) {
        let certificates: [Certificate]
        do {
            certificates = try PEMDocument.parseMultiple(pemString: pem).map { try Certificate(pemDocument: $0) }
        } catch {
            throw CertificateAuthorityError(.malformed, "the trust roots are not PEM certificates")
        }
        guard (1...Self.rootsMax).contains(certificates.count) else {
            throw CertificateAuthorityError(
                .malformed, "there are \(certificates.count) trust roots; 1 to \(Self.rootsMax) are allowed")
        }
        for certificate in certificates {
            guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
                throw CertificateAuthorityError(
                    .malformed, "the trust root '\(certificate.subject)' is not an authority's certificate")
            }
        }
        roots = CertificateStore(certificates)
        count = certificates.count
    }

    /// The verified chain from the leaf to a root, each certificate as DER.
    ///
    /// - Parameter presented: what the client showed as DER, its leaf first.
    /// - Throws: `malformed` for bytes that are no certificates, `untrusted` for a chain that does not hold now, by the
    ///   system's clock, or a leaf that is not for clients.
    package func clientChain(of presented: [[UInt8]]) async throws(CertificateAuthorityError) -> [[UInt8]] {
        guard (1...Self.presentedMax).contains(presented.count) else {
            throw CertificateAuthorityError(.malformed, "\(presented.count) certificates were shown")
        }
        let certificates: [Certificate]
        do {
            certificates = try presented.map { try Certificate(derEncoded: $0) }
        } catch {
            throw CertificateAuthorityError(.malformed, "what was shown is no certificate")
        }
        guard let usage = try? certificates[0].extensions.extendedKeyUsage, usage.contains(.clientAuth) else {
            throw CertificateAuthorityError(.untrusted, "the certificate is not for clients")
        }
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy() }
        let result = await verifier.validate(
            leaf: certificates[0], intermediates: CertificateStore(certificates.dropFirst()))
        guard case .validCertificate(let chain) = result else {
            throw CertificateAuthorityError(.untrusted, "the certificate leads to no trusted root, or is not valid now")
        }
        do {
            return try chain.map { certificate in
                var serializer = DER.Serializer()
                try serializer.serialize(certificate)
                return serializer.serializedBytes
            }
        } catch {
            throw CertificateAuthorityError(.malformed, "the chain cannot be encoded")
        }
    }
}

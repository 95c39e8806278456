import Crypto
package import FoundationEssentials
import SwiftASN1
package import X509

/// A P-256 certificate authority that signs certificates for coordinators, agents and users.
package struct CertificateAuthority: Sendable {
    /// How long an authority is valid by default: ten years of 365 days.
    package static let defaultValidity: Duration = .seconds(10 * 365 * 86_400)
    /// How long a leaf is valid by default: 365 days.
    package static let defaultLeafValidity: Duration = .seconds(365 * 86_400)
    /// Certificates are valid from this long before they are made, so that a peer whose clock is behind accepts them.
    package static let backdating: Duration = .seconds(5 * 60)

    /// The authority's own certificate.
    package let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// Makes an authority with a new key.
    ///
    /// `name` tells it apart from others in a person's eyes; nothing is judged by it.
    package init(
        name: String = "Tocsin CA", now: Date, validity: Duration = Self.defaultValidity
    ) throws(CertificateAuthorityError) {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let identifier = SubjectKeyIdentifier(hash: publicKey)
        self.key = key
        self.certificate = try Self.building("the authority's certificate") {
            let subject = try DistinguishedName {
                OrganizationName("Tocsin")
                CommonName(name)
            }
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: now - Self.backdating, notValidAfter: now + validity, issuer: subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    identifier
                    AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
                }, issuerPrivateKey: Certificate.PrivateKey(key))
        }
    }

    /// Reads an authority from PEM; throws `malformed` unless the certificate is an authority's and the key is its key.
    package init(certificatePEM: String, privateKeyPEM: String) throws(CertificateAuthorityError) {
        do {
            certificate = try Certificate(pemEncoded: certificatePEM)
            key = try P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
        } catch {
            throw CertificateAuthorityError(.malformed, "not a PEM certificate with a P-256 key")
        }
        guard Certificate.PublicKey(key.publicKey) == certificate.publicKey else {
            throw CertificateAuthorityError(.malformed, "the authority's key does not belong to its certificate")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw CertificateAuthorityError(.malformed, "the certificate is not an authority's")
        }
    }

    /// Whether this authority signed a PEM certificate, and the key is the certificate's.
    func vouches(for certificatePEM: String, key privateKeyPEM: String) -> Bool {
        guard let leaf = try? Certificate(pemEncoded: certificatePEM),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
        else { return false }
        return certificate.publicKey.isValidSignature(leaf.signature, for: leaf)
            && leaf.publicKey == Certificate.PublicKey(key.publicKey)
    }

    /// The authority's certificate and key as PEM.
    package var files: CertificateFiles {
        get throws(CertificateAuthorityError) {
            try Self.building("the authority's files") { try CertificateFiles(certificate: certificate, key: key) }
        }
    }

    /// Signs a certificate for a new key.
    ///
    /// The certificate never outlives the authority. Throws `expired` when the authority is not valid at `now`,
    /// `invalidName` or `invalidHost` when the role has a name that no certificate can hold.
    package func issue(
        _ role: CertificateRole, now: Date, validity: Duration = Self.defaultLeafValidity
    ) throws(CertificateAuthorityError) -> CertificateFiles {
        guard now >= certificate.notValidBefore, now < certificate.notValidAfter else {
            throw CertificateAuthorityError(.expired, "the authority is not valid at this time")
        }
        let alternativeNames = try role.alternativeNames
        let leafKey = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(leafKey.publicKey)
        return try Self.building("the certificate") {
            let leaf = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: max(now - Self.backdating, certificate.notValidBefore),
                notValidAfter: min(now + validity, certificate.notValidAfter), issuer: certificate.subject,
                subject: try DistinguishedName {
                    OrganizationName("Tocsin")
                    CommonName(role.commonName)
                }, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try extensions(of: role, publicKey: publicKey, alternativeNames: alternativeNames),
                issuerPrivateKey: Certificate.PrivateKey(key))
            return try CertificateFiles(certificate: leaf, key: leafKey)
        }
    }

    private func extensions(
        of role: CertificateRole, publicKey: Certificate.PublicKey, alternativeNames: [GeneralName]
    ) throws -> Certificate.Extensions {
        let issuer =
            try certificate.extensions.subjectKeyIdentifier ?? SubjectKeyIdentifier(hash: certificate.publicKey)
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([role.isServer ? .serverAuth : .clientAuth])
            SubjectKeyIdentifier(hash: publicKey)
            AuthorityKeyIdentifier(keyIdentifier: issuer.keyIdentifier)
            SubjectAlternativeNames(alternativeNames)
        }
    }

    private static func building<Value>(
        _ what: String, _ body: () throws -> Value
    ) throws(CertificateAuthorityError) -> Value {
        do {
            return try body()
        } catch let error as CertificateAuthorityError {
            throw error
        } catch {
            throw CertificateAuthorityError(.malformed, "\(what) could not be encoded: \(error)")
        }
    }
}

extension Date {
    fileprivate static func + (lhs: Date, rhs: Duration) -> Date {
        lhs.addingTimeInterval(TimeInterval(rhs.components.seconds))
    }

    fileprivate static func - (lhs: Date, rhs: Duration) -> Date {
        lhs.addingTimeInterval(-TimeInterval(rhs.components.seconds))
    }
}

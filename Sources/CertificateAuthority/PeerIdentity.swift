import SwiftASN1
package import X509

/// What a user may do; each role may do all that the ones before it may.
package enum UserRole: String, Sendable, Codable, CaseIterable, Comparable {
    /// May look.
    case viewer
    /// May also acknowledge, annotate, move and resolve incidents.
    case responder
    /// May also change who may do what.
    case admin

    package static func < (lhs: UserRole, rhs: UserRole) -> Bool { lhs.rank < rhs.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .responder: 1
        case .admin: 2
        }
    }
}

/// Who holds a client certificate, from the certificate's one URI subject alternative name.
///
/// The forms are `spiffe://tocsin/agent/CLUSTER/NODE` and `spiffe://tocsin/user/ROLE/NAME`, names percent-encoded. Only
/// the canonical spelling is accepted, so that two certificates with different bytes never mean the same peer by
/// accident.
package enum PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The agent of one node.
    case agent(cluster: String, node: String)
    /// A person or their tool.
    case user(role: UserRole, name: String)

    private static let prefix = "spiffe://tocsin/"

    /// The identity's URI; throws `invalidName` when a name cannot be held.
    package var uri: String {
        get throws(CertificateAuthorityError) {
            switch self {
            case .agent(let cluster, let node):
                "\(Self.prefix)agent/\(try IdentityName.encode(cluster))/\(try IdentityName.encode(node))"
            case .user(let role, let name):
                "\(Self.prefix)user/\(role.rawValue)/\(try IdentityName.encode(name))"
            }
        }
    }

    /// `agent CLUSTER/NODE` or `user NAME (ROLE)`, for messages and the audit log.
    package var description: String {
        switch self {
        case .agent(let cluster, let node): "agent \(cluster)/\(node)"
        case .user(let role, let name): "user \(name) (\(role.rawValue))"
        }
    }

    /// Reads an identity's URI; nil for anything but the canonical spelling of one of the two forms.
    package init?(uri: String) {
        guard uri.utf8.starts(with: Self.prefix.utf8) else { return nil }
        let path = uri.dropFirst(Self.prefix.count)
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count == 3, let last = IdentityName.decode(segments[2]) else { return nil }
        switch segments[0] {
        case "agent":
            guard let cluster = IdentityName.decode(segments[1]) else { return nil }
            self = .agent(cluster: cluster, node: last)
        case "user":
            guard let role = UserRole(rawValue: String(segments[1])) else { return nil }
            self = .user(role: role, name: last)
        default:
            return nil
        }
    }

    /// Reads the identity that a verified certificate speaks for.
    ///
    /// The caller has verified the chain; this reads names only. Throws `identity` when there is no URI name, more than
    /// one (whatever the others say: X.509-SVID section 2 allows one), or one that is no Tocsin identity.
    package init(certificate: Certificate) throws(CertificateAuthorityError) {
        let names: SubjectAlternativeNames?
        do {
            names = try certificate.extensions.subjectAlternativeNames
        } catch {
            throw CertificateAuthorityError(.identity, "the certificate's subject alternative names cannot be read")
        }
        var uris: [String] = []
        for case .uniformResourceIdentifier(let uri) in names ?? SubjectAlternativeNames() { uris.append(uri) }
        guard let uri = uris.first else {
            throw CertificateAuthorityError(.identity, "the certificate has no URI name")
        }
        guard uris.count == 1 else {
            throw CertificateAuthorityError(.identity, "the certificate has \(uris.count) URI names, one is allowed")
        }
        guard let identity = PeerIdentity(uri: uri) else {
            throw CertificateAuthorityError(.identity, "the certificate's URI name is not a Tocsin identity")
        }
        self = identity
    }

    /// Reads the identity that a verified certificate speaks for, from its DER bytes.
    package init(certificateDER bytes: [UInt8]) throws(CertificateAuthorityError) {
        let certificate: Certificate
        do {
            certificate = try Certificate(derEncoded: bytes)
        } catch {
            throw CertificateAuthorityError(.malformed, "not a DER certificate")
        }
        try self.init(certificate: certificate)
    }

    /// Reads the identity of a PEM certificate, whose chain nobody has verified: for a program that looks at its own.
    package init(certificatePEM: String) throws(CertificateAuthorityError) {
        let certificate: Certificate
        do {
            certificate = try Certificate(pemEncoded: certificatePEM)
        } catch {
            throw CertificateAuthorityError(.malformed, "not a PEM certificate")
        }
        try self.init(certificate: certificate)
    }
}

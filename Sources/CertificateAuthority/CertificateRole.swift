import Glibc
import SwiftASN1
import X509

/// What a certificate is for.
package enum CertificateRole: Hashable, Sendable {
    /// A coordinator that is reached under these DNS names and IP addresses, at least one.
    case coordinator(hosts: [String])
    /// The agent of a node.
    case agent(cluster: String, node: String)
    /// A person or their tool.
    case user(role: UserRole, name: String)

    /// Name of the certificate's files without extension: `coordinator`, `agent-NODE`, `user-NAME`, names
    /// percent-encoded.
    package var fileName: String {
        get throws(CertificateAuthorityError) {
            switch self {
            case .coordinator: "coordinator"
            case .agent(_, let node): "agent-\(try IdentityName.encode(node))"
            case .user(_, let name): "user-\(try IdentityName.encode(name))"
            }
        }
    }

    var isServer: Bool {
        if case .coordinator = self { true } else { false }
    }

    /// The subject's common name, at most 64 characters (RFC 5280's ub-common-name); for people, never judged by.
    var commonName: String {
        let name =
            switch self {
            case .coordinator(let hosts): hosts.first ?? "coordinator"
            case .agent(_, let node): node
            case .user(_, let name): name
            }
        return String(String.UnicodeScalarView(name.unicodeScalars.prefix(64)))
    }

    var alternativeNames: [GeneralName] {
        get throws(CertificateAuthorityError) {
            switch self {
            case .coordinator(let hosts):
                guard !hosts.isEmpty else {
                    throw CertificateAuthorityError(.invalidHost, "a coordinator's certificate needs at least one host")
                }
                var names: [GeneralName] = []
                for host in hosts { names.append(try Self.name(ofHost: host)) }
                return names
            case .agent(let cluster, let node):
                return [.uniformResourceIdentifier(try PeerIdentity.agent(cluster: cluster, node: node).uri)]
            case .user(let role, let name):
                return [.uniformResourceIdentifier(try PeerIdentity.user(role: role, name: name).uri)]
            }
        }
    }

    private static func name(ofHost host: String) throws(CertificateAuthorityError) -> GeneralName {
        if let address = addressBytes(of: host) {
            return .ipAddress(ASN1OctetString(contentBytes: address[...]))
        }
        guard isHostName(host) else {
            throw CertificateAuthorityError(.invalidHost, "'\(host)' is neither a DNS name nor an IP address")
        }
        return .dnsName(host)
    }

    /// An address of a certificate as text; throws `identity` unless it has 4 or 16 bytes.
    static func text(ofAddress bytes: [UInt8]) throws(CertificateAuthorityError) -> String {
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard [4, 16].contains(bytes.count), inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            throw CertificateAuthorityError(.identity, "the certificate has an address of \(bytes.count) bytes")
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A host as a certificate's reader would print it: an address in its shortest form.
    static func canonical(host: String) -> String {
        addressBytes(of: host).flatMap { try? text(ofAddress: $0) } ?? host
    }

    private static func addressBytes(of host: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, host, &bytes) == 1 { return bytes }
        }
        return nil
    }

    /// RFC 1123 host names, with `*` allowed as the whole first label; an all-digit last label would be a mistyped
    /// address.
    private static func isHostName(_ host: String) -> Bool {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, let last = labels.last, !last.allSatisfy(\.isNumber) else { return false }
        return labels.enumerated().allSatisfy { index, label in
            if index == 0, label == "*", labels.count > 1 { return true }
            guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else { return false }
            return label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        }
    }
}

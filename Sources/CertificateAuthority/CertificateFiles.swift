import Crypto
import FoundationEssentials
import Glibc
import SwiftASN1
package import X509

/// A certificate and its key, as they go to disk.
package struct CertificateFiles: Sendable {
    /// The certificate.
    package let certificate: Certificate
    /// The certificate in PEM.
    package let certificatePEM: String
    /// The key in PEM (PKCS #8).
    ///
    /// Secret: for a file of mode 0600, never for a log.
    package let privateKeyPEM: String

    init(certificate: Certificate, key: P256.Signing.PrivateKey) throws {
        self.certificate = certificate
        certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
        privateKeyPEM = key.pemRepresentation + "\n"
    }

    /// The certificate's subject for people, such as `CN=node-1,O=Tocsin`.
    package var subject: String { certificate.subject.description }

    /// End of the certificate's validity in seconds since the Unix epoch.
    package var notValidAfterSeconds: Double { certificate.notValidAfter.timeIntervalSince1970 }

    /// The certificate's alternative names as text: hosts, addresses, URIs.
    package var names: [String] {
        let names = (try? certificate.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames()
        return names.map { name in
            switch name {
            case .dnsName(let host): host
            case .uniformResourceIdentifier(let uri): uri
            case .ipAddress(let bytes): Self.address(Array(bytes.bytes))
            default: name.description
            }
        }
    }

    /// The text of an address of 4 or 16 bytes; "?" for any other count.
    private static func address(_ bytes: [UInt8]) -> String {
        guard bytes.count == 4 || bytes.count == 16 else { return "?" }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
            return "?"
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

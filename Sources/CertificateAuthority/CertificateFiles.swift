import Crypto
import SwiftASN1
package import X509

/// A certificate and its key, as they go to disk.
package struct CertificateFiles: Sendable {
    /// The certificate.
    package let certificate: Certificate
    /// The certificate in PEM.
    package let certificatePEM: String
    /// The key in PEM (PKCS #8). Secret: for a file of mode 0600, never for a log.
    package let privateKeyPEM: String

    init(certificate: Certificate, key: P256.Signing.PrivateKey) throws {
        self.certificate = certificate
        certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
        privateKeyPEM = key.pemRepresentation + "\n"
    }
}

/// The files of one side of mutual TLS.
package struct TLSFiles: Hashable, Sendable {
    /// PEM file with the certificate, followed by intermediates if any.
    package var certificateFile: String
    /// PEM file with the private key.
    package var keyFile: String
    /// PEM file with the roots that the other side's certificate must lead to.
    package var trustRootsFile: String

    /// Makes the set.
    package init(certificateFile: String, keyFile: String, trustRootsFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.trustRootsFile = trustRootsFile
    }

    /// Reads the section `tls`.
    package init(_ section: Section) {
        certificateFile = section.file("certificateFile", "PEM file with the own certificate, intermediates after it.")
        keyFile = section.file("keyFile", "PEM file with the private key of that certificate.")
        trustRootsFile = section.file(
            "trustRootsFile", "PEM file with the roots that the other side's certificate must lead to.")
    }
}

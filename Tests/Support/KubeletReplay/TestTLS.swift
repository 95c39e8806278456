import Foundation

/// A certificate as a kubelet makes it for itself: signed by its own key, for the node's DNS name only.
package struct TestTLS: Sendable {
    /// Where the files are.
    package let directory: String
    /// The certificate, which is its own root.
    package let certificate: String
    /// Its key.
    package let key: String
    /// Base64 SHA-256 of the public key.
    package let pin: String
    /// Another self-signed certificate, which signed nothing here.
    package let otherCertificate: String

    /// One for all tests of a process.
    package static let shared: Result<TestTLS, any Error> = Result { try make() }

    private static func make() throws -> TestTLS {
        let directory = FileManager.default.temporaryDirectory.path + "/tocsin-kubelet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for name in ["kubelet", "other"] {
            try shell(
                """
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                -subj /CN=lab-node-1@1 -addext subjectAltName=DNS:lab-node-1 -keyout \(name).key -out \(name).crt
                """, in: directory)
        }
        let pin = try shell(
            """
            openssl x509 -in kubelet.crt -pubkey -noout | openssl pkey -pubin -outform der \
            | openssl dgst -sha256 -binary | openssl base64
            """, in: directory)
        return TestTLS(
            directory: directory, certificate: directory + "/kubelet.crt", key: directory + "/kubelet.key",
            pin: pin.trimmingCharacters(in: .whitespacesAndNewlines), otherCertificate: directory + "/other.crt")
    }

    @discardableResult
    private static func shell(_ command: String, in directory: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command + " 2>/dev/null"]
        process.currentDirectoryURL = URL(filePath: directory)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestTLSError.openssl(command) }
        return String(decoding: data, as: UTF8.self)
    }
}

/// Why there is no certificate.
package enum TestTLSError: Error {
    /// What did not work.
    case openssl(String)
}

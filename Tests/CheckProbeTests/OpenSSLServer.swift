import Foundation
import TocsinTestKit

/// `openssl s_server -www` with a self-signed certificate for `shop.example` that ends in so many days.
struct OpenSSLServer {
    let port: Int
    let certificateFile: String
    /// What openssl itself says about the certificate's end.
    let notAfter: Double
    private let program: SpawnedProgram
    private let directory: URL

    init(days: Int, address: String = "127.0.0.1") async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tocsin-check-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        certificateFile = directory.appending(path: "cert.pem").path
        let key = directory.appending(path: "key.pem").path
        _ = try await SpawnedProgram.output(of: [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "\(days)", "-keyout", key, "-out", certificateFile, "-subj", "/CN=shop.example", "-addext",
            "subjectAltName=DNS:shop.example",
        ])
        let end = try await SpawnedProgram.output(of: [
            "sh", "-c", "date -d \"$(openssl x509 -in \(certificateFile) -enddate -noout | cut -d= -f2)\" +%s",
        ])
        notAfter = Double(end.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        program = try SpawnedProgram([
            "openssl", "s_server", "-accept", "\(address):0", "-www", "-cert", certificateFile, "-key", key,
        ])
        let line = await program.line(containing: "ACCEPT \(address):", within: .seconds(20))
        port = line.flatMap { Int($0.dropFirst("ACCEPT \(address):".count)) } ?? 0
    }

    func stop() {
        program.signal(SIGKILL)
        try? FileManager.default.removeItem(at: directory)
    }
}

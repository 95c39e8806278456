import CurlHTTP
import Foundation
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// Against `openssl s_server` with certificates made for the test.
@Suite(.timeLimit(.minutes(2)))
struct CurlTLSTests {
    private func outcome(
        _ trust: HTTPRequest.Trust, of server: OpenSSLServer, host: String = "127.0.0.1", headers: [Label] = []
    ) async -> HTTPResult {
        let client = CurlHTTPClient()
        let result = await client.fetch(
            HTTPRequest(url: "https://\(host):\(server.port)/", headers: headers, trust: trust))
        await client.shutdown()
        return result
    }

    private func status(_ result: HTTPResult) -> Int? {
        if case .response(let answer) = result { answer.status } else { nil }
    }

    private func failureClass(_ result: HTTPResult) -> FailureClass? {
        if case .failure(let failure) = result { failure.failureClass } else { nil }
    }

    @Test func trust() async throws {
        let server = try await OpenSSLServer()
        defer { server.stop() }
        // The certificate names node-7.example only, as a kubelet's names its node.
        let named = HTTPRequest.Trust.roots(file: server.certificateFile, serverName: "node-7.example")
        #expect(status(await outcome(named, of: server)) == 200)
        let wrong = HTTPRequest.Trust.roots(file: server.certificateFile, serverName: "node-8.example")
        #expect(failureClass(await outcome(wrong, of: server)) == .tls)
        let unnamed = HTTPRequest.Trust.roots(file: server.certificateFile, serverName: nil)
        #expect(failureClass(await outcome(unnamed, of: server)) == .tls)
        #expect(failureClass(await outcome(.system, of: server)) == .tls)
        #expect(status(await outcome(.pin(sha256: server.pin), of: server)) == 200)
        let otherPin = String(server.pin.reversed().drop(while: { $0 == "=" })) + "="
        #expect(failureClass(await outcome(.pin(sha256: otherPin), of: server)) == .tls)
        #expect(status(await outcome(.insecure, of: server)) == 200)
    }

    @Test func credentialsStayHomeWithoutVerification() async throws {
        let server = try await OpenSSLServer()
        defer { server.stop() }
        let headers = [Label("Authorization", "Bearer s3cret")]
        let result = await outcome(.insecure, of: server, headers: headers)
        #expect(failureClass(result) == .internal)
        if case .failure(let failure) = result { #expect(!failure.message.contains("s3cret")) }
        #expect(status(await outcome(.pin(sha256: server.pin), of: server, headers: headers)) == 200)
    }

    @Test func unreadableRootsAreOurFault() async throws {
        let server = try await OpenSSLServer()
        defer { server.stop() }
        let trust = HTTPRequest.Trust.roots(file: "/nonexistent/ca.pem", serverName: "node-7.example")
        #expect(failureClass(await outcome(trust, of: server)) == .internal)
    }

    @Test func rotatedRootsAreReadAgain() async throws {
        let first = try await OpenSSLServer()
        let second = try await OpenSSLServer()
        defer {
            first.stop()
            second.stop()
        }
        let roots = NSTemporaryDirectory() + "tocsin-roots-\(UUID().uuidString).pem"
        defer { try? FileManager.default.removeItem(atPath: roots) }
        let client = CurlHTTPClient()
        let trust = HTTPRequest.Trust.roots(file: roots, serverName: "node-7.example")
        try FileManager.default.copyItem(atPath: first.certificateFile, toPath: roots)
        let secondURL = "https://127.0.0.1:\(second.port)/"
        #expect(failureClass(await client.fetch(HTTPRequest(url: secondURL, trust: trust))) == .tls)
        try FileManager.default.removeItem(atPath: roots)
        try FileManager.default.copyItem(atPath: second.certificateFile, toPath: roots)
        #expect(status(await client.fetch(HTTPRequest(url: secondURL, trust: trust))) == 200)
        await client.shutdown()
    }

    @Test func oldProtocolsAreRefused() async throws {
        let server = try await OpenSSLServer(arguments: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        defer { server.stop() }
        #expect(failureClass(await outcome(.pin(sha256: server.pin), of: server)) == .tls)
    }

    @Test func plainHTTPBehindAnHTTPSURLIsTLS() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200, "{}")) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let request = HTTPRequest(url: "https://127.0.0.1:\(server.port)/", totalTimeout: .milliseconds(700))
        let result = await client.fetch(request)
        await client.shutdown()
        // The canned server waits for the end of a head that never comes: TLS neither fails nor succeeds.
        #expect(failureClass(result) == .timeout || failureClass(result) == .tls)
    }
}

/// `openssl s_server -www` with its own key and a self-signed certificate for `node-7.example`.
struct OpenSSLServer {
    let port: Int
    let certificateFile: String
    /// base64 SHA-256 of the SubjectPublicKeyInfo.
    let pin: String
    private let program: SpawnedProgram
    private let directory: URL

    init(arguments: [String] = []) async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tocsin-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        certificateFile = directory.appending(path: "cert.pem").path
        let key = directory.appending(path: "key.pem").path
        try await SpawnedProgram.output(of: [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-keyout", key, "-out", certificateFile, "-subj", "/CN=node-7.example", "-addext",
            "subjectAltName=DNS:node-7.example",
        ])
        pin = try await SpawnedProgram.output(of: [
            "sh", "-c",
            "openssl x509 -in \(certificateFile) -pubkey -noout | openssl pkey -pubin -outform der "
                + "| openssl dgst -sha256 -binary | openssl base64 -A",
        ])
        program = try SpawnedProgram(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificateFile, "-key", key] + arguments
        )
        let line = await program.line(containing: "ACCEPT 127.0.0.1:", within: .seconds(20))
        guard let port = line.flatMap({ Int($0.dropFirst("ACCEPT 127.0.0.1:".count)) }) else {
            program.signal(SIGKILL)
            throw UnexpectedResult(description: "openssl s_server: \(program.text)")
        }
        self.port = port
    }

    func stop() {
        program.signal(SIGKILL)
        try? FileManager.default.removeItem(at: directory)
    }
}

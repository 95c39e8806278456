import CurlHTTP
import Foundation
import KubeletReplay
import KubernetesAPI
import Probing
import Telemetry
import Testing

/// One entry of a ConfigMap, kept at an API server over TLS.
struct ConfigMapWriterTests {
    private let path = "/api/v1/namespaces/tocsin/configmaps/tocsin-ca"

    @Test func theEntryIsKeptAndTheRestStays() async throws {
        let tls = try TestTLS.shared.get()
        let server = ApiServerReplay(tls: .init(certificateFile: tls.certificate, keyFile: tls.key), tokens: ["own"])
        let tokenFile = tls.directory + "/\(UUID().uuidString).token"
        try "own".write(toFile: tokenFile, atomically: true, encoding: .utf8)
        let port = try await server.start()
        let client = CurlHTTPClient()
        let writer = ConfigMapWriter(
            namespace: "tocsin", name: "tocsin-ca",
            at: KubernetesEndpoint(
                url: "https://127.0.0.1:\(port)", tokenFile: tokenFile,
                trust: .roots(file: tls.certificate, serverName: "lab-node-1"), deadline: .seconds(5)), fetcher: client)

        #expect(await writer.keep("ca.crt", "one\n") == .success(.created))
        #expect(server.object(at: path)?["data"]?["ca.crt"]?.text == "one\n")
        #expect(await writer.keep("ca.crt", "one\n") == .success(.unchanged))

        // As `kubectl apply` leaves it: with annotations, and without data.
        server.put(
            .object([
                "kind": .string("ConfigMap"),
                "metadata": .object([
                    "name": .string("tocsin-ca"), "annotations": .object(["kept": .string("yes")]),
                ]),
            ]), at: path)
        #expect(await writer.keep("ca.crt", "two\n") == .success(.written))
        #expect(server.object(at: path)?["data"]?["ca.crt"]?.text == "two\n")
        #expect(server.object(at: path)?["metadata"]?["annotations"]?["kept"]?.text == "yes")

        server.fail(.status(403, #"{"message":"configmaps \"tocsin-ca\" is forbidden"}"#), .patch)
        guard case .failure(let problem) = await writer.keep("ca.crt", "three\n") else {
            Issue.record("it was written")
            return
        }
        #expect(problem.status == 403 && problem.failureClass == .auth)
        await client.shutdown()
        try await server.stop()
    }
}

import CurlHTTP
import Foundation
import Glibc
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// A name server that never answers delays requests that need it, and no other.
///
/// The machine's resolver is left alone: the measurement runs in a process of its own, in a mount namespace whose
/// `resolv.conf` names a socket of that process. Where no such namespace can be had the test says so and ends.
@Suite(.timeLimit(.minutes(3)))
struct DeadNameServerTests {
    private static let address = "127.0.0.77"
    private static let marker = "TOCSIN_DEAD_NAME_SERVER"

    @Test func aDeadNameServerDelaysNobodyElse() throws {
        let directory = try FileManager.default.url(
            for: .itemReplacementDirectory, in: .userDomainMask,
            appropriateFor: FileManager.default.temporaryDirectory, create: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "resolv.conf").path
        try "nameserver \(Self.address)\n".write(toFile: file, atomically: true, encoding: .utf8)
        let child = Process()
        child.executableURL = URL(filePath: "/bin/sh")
        // 77 says that the namespace could not be made.
        child.arguments = [
            "-c",
            """
            unshare -m --propagation private true 2>/dev/null || exit 77
            exec unshare -m --propagation private sh -c 'mount --bind "$1" /etc/resolv.conf || exit 77; exec "$2" \
            --testing-library swift-testing --filter DeadNameServerTests.measured' sh "$1" "$2"
            """, "sh", file, "/proc/\(getpid())/exe",
        ]
        child.environment = ProcessInfo.processInfo.environment.merging([Self.marker: "1"]) { $1 }
        let output = Pipe()
        child.standardOutput = output
        child.standardError = output
        try child.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        child.waitUntilExit()
        if child.terminationStatus == 77 { return }
        #expect(child.terminationStatus == 0, "\(text)")
        #expect(text.contains("measured"), "\(text)")
    }

    /// Runs in the child alone.
    @Test(.enabled(if: ProcessInfo.processInfo.environment[marker] != nil))
    func measured() async throws {
        let nameServer = try Self.silentSocket()
        defer { close(nameServer) }
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200, "ok")) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let before = await Self.delays(client, port: server.port)
        // In the middle of the measurement: giving up is when a resolver's thread could be waited for.
        let timeout = Duration.seconds(2)
        let (during, failures) = await withTaskGroup(of: HTTPResult.self) { group in
            for number in 0..<8 {
                group.addTask {
                    await client.fetch(
                        HTTPRequest(
                            url: "http://target-\(number).shop.example/", connectTimeout: timeout,
                            totalTimeout: timeout))
                }
            }
            let during = await Self.delays(client, port: server.port)
            var failures: [HTTPResult] = []
            for await result in group { failures.append(result) }
            return (during, failures)
        }
        await client.shutdown()
        for result in failures {
            guard case .failure(let failure) = result else {
                Issue.record("an answer of a name that nobody resolves: \(result)")
                continue
            }
            #expect(failure.failureClass == .dns, "\(failure)")
        }
        // A blocked handle would hold them up as long as the resolver waits, which is ten seconds.
        #expect(during.max() ?? .zero < .seconds(2), "before \(before.max() ?? .zero), during \(during)")
        let figures = [before, during].map { delays in
            let sorted = delays.sorted()
            return "median \(sorted[sorted.count / 2]), greatest \(sorted[sorted.count - 1])"
        }
        try? FileHandle.standardError.write(
            contentsOf: Data("without: \(figures[0]); with a dead name server: \(figures[1])\n".utf8))
    }

    /// How long each of 80 requests to a server by its address takes, one every 50 ms.
    private static func delays(_ client: CurlHTTPClient, port: Int) async -> [Duration] {
        var delays: [Duration] = []
        for _ in 0..<80 {
            let start = ContinuousClock.now
            _ = await client.fetch(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
            delays.append(ContinuousClock.now - start)
            try? await Task.sleep(for: .milliseconds(50))
        }
        return delays
    }

    /// A socket on the name server's port that takes what comes and says nothing.
    private static func silentSocket() throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(53).bigEndian
        address.sin_addr.s_addr = inet_addr(Self.address)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(socket >= 0 && status == 0, "no socket on \(Self.address):53: \(errno)")
        return socket
    }
}

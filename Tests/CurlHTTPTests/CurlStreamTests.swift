import CurlHTTP
import Dispatch
import Foundation
import Glibc
import Probing
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

@Suite(.timeLimit(.minutes(2)))
struct CurlStreamTests {
    private static let head = Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".utf8)
    private static let chunkedHead = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)

    private static func chunk(_ text: String) -> [UInt8] {
        Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8)
    }

    private func request(_ server: CannedHTTPServer) -> HTTPRequest {
        HTTPRequest(url: server.url + "/watch", totalTimeout: .seconds(60))
    }

    @Test func partsComeAsTheyArrive() async throws {
        // The server sends each piece when the one before has arrived: what waits for more would wait for ever.
        let arrived = DispatchSemaphore(value: 0)
        let timeout = DispatchTimeInterval.seconds(30)
        let server = try StreamServer(head: Self.chunkedHead) { send in
            for piece in [Self.chunk("one\n"), Self.chunk("two\n"), Array("0\r\nX-Trailer: 1\r\n\r\n".utf8)] {
                guard arrived.wait(timeout: .now() + timeout) == .success, send(piece) else { return }
            }
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        var parts: [HTTPStreamPart] = []
        let request = HTTPRequest(url: server.url, totalTimeout: .seconds(60))
        let failure = await client.stream(request, limits: HTTPStreamLimits()) { part in
            parts.append(part)
            arrived.signal()
            return true
        }
        await client.shutdown()
        #expect(failure == nil)
        #expect(
            parts == [
                .head(status: 200, headers: [Label("transfer-encoding", "chunked")]), .chunk(Array("one\n".utf8)),
                .chunk(Array("two\n".utf8)),
            ])
        #expect(client.counters.answered == 1 && client.transfersCount == 0)
    }

    @Test func nothingIsAskedToBeCompressed() async throws {
        let server = try CannedHTTPServer { _ in .pieces([(.zero, Self.chunkedHead + Array("0\r\n\r\n".utf8))]) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let failure = await client.stream(request(server), limits: HTTPStreamLimits()) { _ in true }
        await client.shutdown()
        #expect(failure == nil)
        #expect(server.requests.first?.headers["accept-encoding"] == nil)
    }

    @Test func aSlowReceiverMakesTheSenderWait() async throws {
        let piece = [UInt8](repeating: 7, count: 64 << 10)
        let total = 64
        let sent = Atomic<Int>(0)
        let server = try StreamServer(head: Self.head) { send in
            for _ in 0..<total {
                guard send(piece) else { return }
                sent.add(1, ordering: .relaxed)
            }
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        var received = 0
        var largest = 0
        var sentAtPause = 0
        let request = HTTPRequest(url: server.url, totalTimeout: .seconds(60))
        let limits = HTTPStreamLimits(idleTimeout: .seconds(2), bufferBytesMax: 100_000)
        let failure = await client.stream(request, limits: limits) { part in
            guard case .chunk(let bytes) = part else { return true }
            if received == 0 {
                // Longer than the idle timeout: a pause of our own making is no silence of the peer.
                try? await Task.sleep(for: .seconds(4))
                sentAtPause = sent.load(ordering: .relaxed)
            }
            received += bytes.count
            largest = max(largest, bytes.count)
            return true
        }
        await client.shutdown()
        #expect(failure == nil)
        #expect(received == total * piece.count, "no byte is lost or doubled by pausing")
        #expect(largest <= 100_000 + 16_384)
        #expect(sentAtPause < total, "\(sentAtPause) of \(total) pieces fitted into socket buffers and ours")
    }

    @Test func silenceEndsIt() async throws {
        let server = try CannedHTTPServer { _ in
            .pieces([(.zero, Self.head + Array("{".utf8)), (.seconds(20), [])])
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let started = ContinuousClock.now
        let failure = await client.stream(request(server), limits: HTTPStreamLimits(idleTimeout: .seconds(1))) { _ in
            true
        }
        #expect(failure?.failureClass == .timeout && failure?.connected == true)
        #expect(started.duration(to: .now) < .seconds(6))
        await client.shutdown()
    }

    @Test func aPortThatSaysNothingIsIdleToo() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let failure = await client.stream(request(server), limits: HTTPStreamLimits(idleTimeout: .seconds(1))) { _ in
            true
        }
        #expect(failure?.failureClass == .timeout)
        await client.shutdown()
    }

    @Test func cancellationAndRefusalEndIt() async throws {
        let server = try CannedHTTPServer { _ in
            .pieces([(.zero, Self.head + Array("x".utf8)), (.seconds(20), [])])
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let wantsNoMore = await client.stream(request(server), limits: HTTPStreamLimits()) { part in
            if case .chunk = part { return false }
            return true
        }
        #expect(wantsNoMore == nil)
        let (started, continuation) = AsyncStream<Void>.makeStream()
        let request = request(server)
        let task = Task {
            await client.stream(request, limits: HTTPStreamLimits()) { _ in
                continuation.yield()
                return true
            }
        }
        for await _ in started { break }
        task.cancel()
        #expect(await task.value?.failureClass == .internal)
        #expect(client.transfersCount == 0 && client.counters.cancelled == 2)
        await client.shutdown()
    }

    @Test func aCutAnswerIsAFailureAfterItsParts() async throws {
        let server = try CannedHTTPServer { _ in
            .pieces([(.zero, Self.chunkedHead + Self.chunk("whole\n") + Array("40\r\nhalf".utf8))])
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        var bytes: [UInt8] = []
        let failure = await client.stream(request(server), limits: HTTPStreamLimits()) { part in
            if case .chunk(let piece) = part { bytes += piece }
            return true
        }
        #expect(failure?.failureClass == .body)
        #expect(String(decoding: bytes, as: UTF8.self) == "whole\nhalf")
        await client.shutdown()
    }

    @Test func otherStatusesAndRefusedConnections() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(410, "gone")) }
        let client = CurlHTTPClient()
        var status = 0
        var body: [UInt8] = []
        let failure = await client.stream(request(server), limits: HTTPStreamLimits()) { part in
            switch part {
            case .head(let code, _): status = code
            case .chunk(let bytes): body += bytes
            }
            return true
        }
        #expect(failure == nil && status == 410 && body == Array("gone".utf8))
        let request = request(server)
        server.stop()
        let refused = await client.stream(request, limits: HTTPStreamLimits()) { _ in true }
        #expect(refused?.failureClass == .refused || refused?.failureClass == .body)
        let insecure = HTTPRequest(
            url: "https://127.0.0.1:1/", headers: [Label("Authorization", "Bearer s")], trust: .insecure)
        let unsent = await client.stream(insecure, limits: HTTPStreamLimits()) { _ in true }
        #expect(unsent?.failureClass == .internal && unsent?.message.contains("insecure") == true)
        await client.shutdown()
    }
}

/// A server whose one answer is written by a function that can tell how far it got.
private final class StreamServer: Sendable {
    let url: String
    private let listener: Int32

    init(head: [UInt8], body: @escaping @Sendable (([UInt8]) -> Bool) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &address) { raw in
            let pointer = raw.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            _ =
                bind(listener, pointer, length) == 0 && listen(listener, 1) == 0
                && getsockname(listener, pointer, &length) == 0
        }
        self.listener = listener
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            defer { close(connection) }
            // A small window, so that the sender soon depends on the reader.
            var size: Int32 = 32 << 10
            setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = recv(connection, &buffer, buffer.count, 0)
            let send: ([UInt8]) -> Bool = { bytes in
                var offset = 0
                while offset < bytes.count {
                    let count = bytes[offset...].withUnsafeBytes {
                        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { return false }
                    offset += count
                }
                return true
            }
            guard send(head) else { return }
            body(send)
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

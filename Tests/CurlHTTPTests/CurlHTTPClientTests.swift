import CurlHTTP
import Foundation
import Probing
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

@Suite(.timeLimit(.minutes(2)))
struct CurlHTTPClientTests {
    /// Runs `body` with a client, which is shut down afterwards.
    private func withClient(
        _ configuration: CurlHTTPClient.Configuration = .init(),
        _ body: (CurlHTTPClient) async throws -> Void
    ) async throws {
        let client = CurlHTTPClient(configuration)
        do {
            try await body(client)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        #expect(client.transfersCount == 0)
    }

    private func failure(_ result: HTTPResult) throws -> HTTPFailure {
        guard case .failure(let failure) = result else {
            throw UnexpectedResult(description: "\(result)")
        }
        return failure
    }

    private func response(_ result: HTTPResult) throws -> HTTPResponse {
        guard case .response(let response) = result else {
            throw UnexpectedResult(description: "\(result)")
        }
        return response
    }

    @Test func answersAreWholeAndConnectionsAreReused() async throws {
        let server = try CannedHTTPServer { request in
            .bytes(CannedHTTPServer.answer(503, headers: ["X-Path: \(request.path)"], "{\"status\":\"DOWN\"}"))
        }
        defer { server.stop() }
        try await withClient { client in
            for _ in 0..<3 {
                let answer = try response(
                    await client.fetch(HTTPRequest(url: server.url + "/a?b=c", headers: [Label("Accept", "x/y")])))
                #expect(answer.status == 503)
                #expect(answer.header("x-path") == "/a?b=c")
                #expect(String(decoding: answer.body, as: UTF8.self) == "{\"status\":\"DOWN\"}")
                #expect(answer.duration > .zero)
            }
            #expect(client.counters.answered == 3)
        }
        #expect(server.connectionCount == 1)
        #expect(server.requests.first?.headers["accept"] == "x/y")
        #expect(server.requests.first?.headers["cookie"] == nil)
    }

    @Test func interimAnswersAreNotTheAnswer() async throws {
        let server = try CannedHTTPServer { _ in
            .bytes(Array("HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n".utf8) + CannedHTTPServer.answer(200, "{}"))
        }
        defer { server.stop() }
        try await withClient { client in
            let answer = try response(await client.fetch(HTTPRequest(url: server.url)))
            #expect(answer.status == 200)
            #expect(answer.header("x-early") == nil)
        }
    }

    @Test func redirectsAreNotFollowed() async throws {
        let server = try CannedHTTPServer { request in
            .bytes(
                request.path == "/login"
                    ? CannedHTTPServer.answer(200, type: "text/html", "login")
                    : CannedHTTPServer.answer(302, headers: ["Location: /login", "Set-Cookie: a=b"]))
        }
        defer { server.stop() }
        try await withClient { client in
            for _ in 0..<2 {
                let result = try response(await client.fetch(HTTPRequest(url: server.url + "/health")))
                #expect(result.status == 302)
            }
        }
        #expect(server.requests.map(\.path) == ["/health", "/health"])
        #expect(server.requests.allSatisfy { $0.headers["cookie"] == nil })
    }

    @Test func aClosedPortIsRefused() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        server.stop()
        try await withClient { client in
            let failure = try failure(await client.fetch(HTTPRequest(url: server.url + "/x?token=secret")))
            #expect(failure.failureClass == .refused)
            #expect(!failure.connected)
            #expect(!failure.message.contains("secret"))
        }
    }

    @Test func anUnreachableNetworkIsRefused() async throws {
        try await withClient { client in
            let request = HTTPRequest(
                url: "http://255.255.255.255:9/", connectTimeout: .milliseconds(300), totalTimeout: .milliseconds(600))
            let failure = try failure(await client.fetch(request))
            #expect(failure.failureClass == .refused)
            #expect(!failure.connected)
        }
    }

    @Test func aNameThatDoesNotExistIsDNS() async throws {
        try await withClient { client in
            let failure = try failure(await client.fetch(HTTPRequest(url: "http://no-such-host.invalid:8080/")))
            #expect(failure.failureClass == .dns)
            #expect(failure.message.contains("no-such-host.invalid"))
        }
    }

    @Test func lookupsThatFailDelayNobodyElse() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200, "{}")) }
        defer { server.stop() }
        try await withClient { client in
            _ = await client.fetch(HTTPRequest(url: server.url))
            let slowest = try await withThrowingTaskGroup(of: Duration?.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let request = HTTPRequest(
                            url: "http://h\(number).tocsin-test.invalid/", totalTimeout: .seconds(2))
                        let failure = try failure(await client.fetch(request))
                        #expect(failure.failureClass == .dns)
                        return nil
                    }
                }
                for _ in 0..<20 {
                    let started = ContinuousClock.now
                    _ = try response(await client.fetch(HTTPRequest(url: server.url)))
                    let took = ContinuousClock.now - started
                    group.addTask { took }
                }
                return try await group.reduce(.zero) { max($0, $1 ?? .zero) }
            }
            #expect(slowest < .milliseconds(1500))
        }
    }

    @Test func aSilentPortTimesOutConnected() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        try await withClient { client in
            let started = ContinuousClock.now
            let failure = try failure(
                await client.fetch(HTTPRequest(url: server.url, totalTimeout: .milliseconds(300))))
            #expect(failure.failureClass == .timeout)
            #expect(failure.connected)
            #expect(ContinuousClock.now - started < .seconds(2))
        }
    }

    @Test func aReusedConnectionThatGoesSilentCountsAsConnected() async throws {
        let isFirst = Mutex(true)
        let server = try CannedHTTPServer { _ in
            isFirst.withLock { first in
                defer { first = false }
                return first ? .bytes(CannedHTTPServer.answer(200, "{}")) : .silence
            }
        }
        defer { server.stop() }
        try await withClient { client in
            _ = try response(await client.fetch(HTTPRequest(url: server.url)))
            let failure = try failure(
                await client.fetch(HTTPRequest(url: server.url, totalTimeout: .milliseconds(300))))
            #expect(failure.failureClass == .timeout)
            #expect(failure.connected)
        }
        #expect(server.connectionCount == 1)
    }

    @Test(arguments: [
        (CannedHTTPServer.Answer.cut(Array("HTTP/1.1 200 \r\nContent-Length: 100\r\n\r\n{\"a\"".utf8)), "cut"),
        (.cut(Array("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc".utf8)), "cut"),
        (.cut([]), "without an answer"),
        (.cut(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)), "not HTTP"),
        (.bytes(CannedHTTPServer.answer(200, String(repeating: "x", count: 2000))), "longer than 1000"),
        (.cut(Array("HTTP/1.1 200 \r\n\r\n".utf8) + [UInt8](repeating: 120, count: 2000)), "longer than 1000"),
    ])
    func brokenBodies(_ answer: CannedHTTPServer.Answer, _ words: String) async throws {
        let server = try CannedHTTPServer { _ in answer }
        defer { server.stop() }
        try await withClient { client in
            let failure = try failure(await client.fetch(HTTPRequest(url: server.url, bodyBytesMax: 1000)))
            #expect(failure.failureClass == .body)
            #expect(failure.connected)
            #expect(failure.message.contains(words))
        }
    }

    @Test func endlessHeadersEndTheExchange() async throws {
        let field = "X-Filler: " + String(repeating: "f", count: 8000) + "\r\n"
        let server = try CannedHTTPServer { _ in
            .cut(Array(("HTTP/1.1 200 \r\n" + String(repeating: field, count: 12) + "\r\n").utf8))
        }
        defer { server.stop() }
        try await withClient { client in
            let result = try failure(await client.fetch(HTTPRequest(url: server.url)))
            #expect(result.failureClass == .body)
        }
    }

    @Test(arguments: [
        "ftp://127.0.0.1/", "file:///etc/passwd", "http://user:hunter2@127.0.0.1/", "not a url", "",
    ])
    func urlsThatAreRefused(_ url: String) async throws {
        try await withClient { client in
            let failure = try failure(await client.fetch(HTTPRequest(url: url)))
            #expect(failure.failureClass == .internal)
            #expect(!failure.message.contains("hunter2"))
        }
    }

    @Test func headersCannotBeSmuggled() async throws {
        try await withClient { client in
            let request = HTTPRequest(url: "http://127.0.0.1:1/", headers: [Label("Accept", "a\r\nX-Evil: 1")])
            let result = try failure(await client.fetch(request))
            #expect(result.failureClass == .internal)
        }
    }

    @Test func aHundredAtOnce() async throws {
        let server = try CannedHTTPServer { request in
            .late(.milliseconds(50), CannedHTTPServer.answer(200, request.path))
        }
        defer { server.stop() }
        try await withClient { client in
            let started = ContinuousClock.now
            let bodies = await withTaskGroup(of: String?.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        guard
                            case .response(let answer) = await client.fetch(HTTPRequest(url: server.url + "/\(number)"))
                        else { return nil }
                        return String(decoding: answer.body, as: UTF8.self)
                    }
                }
                return await group.reduce(into: Set<String>()) { $0.insert($1 ?? "failed") }
            }
            #expect(bodies == Set((0..<100).map { "/\($0)" }))
            #expect(ContinuousClock.now - started < .seconds(4))
        }
    }

    @Test func oneTooManyIsRefusedAndCounted() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        try await withClient(.init(transfersMax: 2)) { client in
            let results = await withTaskGroup(of: HTTPResult.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        await client.fetch(HTTPRequest(url: server.url, totalTimeout: .milliseconds(500)))
                    }
                }
                return await group.reduce(into: [FailureClass]()) { list, result in
                    if case .failure(let failure) = result { list.append(failure.failureClass) }
                }
            }
            #expect(results.sorted { $0.rawValue < $1.rawValue } == [.internal, .timeout, .timeout])
            #expect(client.counters.refused == 1)
            #expect(client.counters.accepted == 2)
        }
    }

    @Test func cancellationEndsTheTransfer() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        try await withClient { client in
            let started = ContinuousClock.now
            let task = Task { await client.fetch(HTTPRequest(url: server.url, totalTimeout: .seconds(30))) }
            while server.requests.isEmpty { await Task.yield() }
            task.cancel()
            let result = try failure(await task.value)
            #expect(result.failureClass == .internal)
            #expect(ContinuousClock.now - started < .seconds(5))
            #expect(client.counters.cancelled == 1)

            let early = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await client.fetch(HTTPRequest(url: server.url, totalTimeout: .seconds(30)))
            }
            let earlyResult = try failure(await early.value)
            #expect(earlyResult.failureClass == .internal)
            #expect(client.counters.cancelled == 2)
        }
    }

    @Test func shutdownWaitsForWhatIsUnderWay() async throws {
        let server = try CannedHTTPServer { _ in .late(.milliseconds(300), CannedHTTPServer.answer(200, "{}")) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let url = server.url
        async let answer = client.fetch(HTTPRequest(url: url))
        while server.requests.isEmpty { await Task.yield() }
        await client.shutdown()
        let result = try response(await answer)
        #expect(result.status == 200)
        let late = try failure(await client.fetch(HTTPRequest(url: url)))
        #expect(late.failureClass == .internal)
        #expect(client.counters.refused == 1)
    }

    @Test func cancellingRunEndsEverything() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let url = server.url
        let service = Task { await client.run() }
        async let answer = client.fetch(HTTPRequest(url: url, totalTimeout: .seconds(30)))
        while server.requests.isEmpty { await Task.yield() }
        service.cancel()
        await service.value
        let result = try failure(await answer)
        #expect(result.failureClass == .internal)
    }

    @Test func aClientThatNeverRanShutsDown() async {
        let client = CurlHTTPClient()
        await client.shutdown()
        #expect(client.counters == .init())
    }
}

struct UnexpectedResult: Error, CustomStringConvertible {
    var description: String
}

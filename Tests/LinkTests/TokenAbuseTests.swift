import Foundation
import KubeletReplay
import Testing
import TocsinTestKit

/// What callers with tokens do who mean harm or lost their way: bounded and counted as those with certificates are.
@Suite(.serialized)
struct TokenAbuseTests {
    private let tokens: TokenLab

    init() async throws {
        tokens = try await TokenLab(
            more: "limits: {newConnections: 64, connectionsPerClient: 3, firstCallWithin: 2s}")
    }

    private func connection(token: String) async throws -> RawConnection {
        let connection = try await RawConnection(
            tokenPort: tokens.tokenPort, roots: try await tokens.publishedAuthority())
        await connection.send(
            RawConnection.preface + RawConnection.call("/tocsin.v1.Query/GetStatus", token: token))
        return connection
    }

    private func figure(_ name: String, reaches count: Double) async throws -> Bool {
        try await tokens.lab.eventually(within: .seconds(15)) {
            try await tokens.figures()[name] ?? 0 >= count ? true : nil
        } == true
    }

    @Test("The holder of a token has so many connections; its oldest go and are counted, no one else's do")
    func greedyHolder() async throws {
        let coordinator = try await tokens.startCoordinator()
        let other = try await connection(token: try tokens.issuer.token(TokenIssuer.Claims("responder")))
        #expect(try await figure("tokens_accepted_total", reaches: 1))
        // Tokens differ, whom they name does not.
        var held: [RawConnection] = []
        for _ in 0..<8 {
            held.append(try await connection(token: try tokens.issuer.token(TokenIssuer.Claims("viewer"))))
        }
        for connection in held.prefix(5) { #expect(await connection.isClosed(within: .seconds(10))) }
        #expect(try await figure("connections_displaced_total", reaches: 5))
        #expect(try await figure("tokens_accepted_total", reaches: 9))
        // Beyond the time for a first call: what is open now stays open.
        try await Task.sleep(for: .seconds(3))
        #expect(held.suffix(3).allSatisfy(\.isOpen) && other.isOpen)
        #expect(try await tokens.figures()["connections_displaced_total"] == 5)
        #expect(try await tokens.figures()["handshakes_overdue_total"] == 0)
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    @Test("A connection whose calls have no good token lasts no longer than one without a call")
    func strangers() async throws {
        let coordinator = try await tokens.startCoordinator()
        let forged = try TokenIssuer().token(TokenIssuer.Claims("viewer"))
        var strangers: [RawConnection] = []
        for token in [forged, forged, "x", ""] { strangers.append(try await connection(token: token)) }
        for stranger in strangers { #expect(await stranger.isClosed(within: .seconds(10))) }
        #expect(try await figure("handshakes_overdue_total", reaches: 4))
        #expect(try await tokens.figures()["tokens_accepted_total"] == 0)
        try await coordinator.terminate()
        try await tokens.server.stop()
    }
}

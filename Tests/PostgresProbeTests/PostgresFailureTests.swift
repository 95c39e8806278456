import Telemetry
import Testing

@testable import PostgresClient

@Suite struct PostgresFailureTests {
    static let options = PostgresOptions(host: "db.example", user: "tocsin")

    @Test(
        "the SQLSTATE is found whatever the language",
        arguments: [
            ("FATAL:  28P01: password authentication failed for user \"x\"", "28P01"),
            (
                "connection to server at \"127.0.0.1\", port 1 failed: FATAL:  53300: sorry, too many clients already\n",
                "53300"
            ),
            ("致命的エラー:  57P03: データベースシステムは起動処理中です", "57P03"),
            ("SCHWERWIEGEND:  3D000: Datenbank »x« existiert nicht", "3D000"),
            ("first: FATAL:  28000: no SSL\nsecond: FATAL:  28P01: no password", "28P01"),
        ])
    func sqlState(text: String, state: String) {
        #expect(PostgresFailure.sqlState(in: text) == state)
    }

    @Test(
        "text without a SQLSTATE has none",
        arguments: ["", "Connection refused", "x:  abcde: y", "x:  28P0: y", ":  28P01", "time 12:  30:00"])
    func noState(text: String) {
        #expect(PostgresFailure.sqlState(in: text) == nil)
    }

    @Test(
        "each state has its class",
        arguments: [
            ("28P01", FailureClass.auth), ("28000", .auth), ("3D000", .auth), ("53300", .exhausted), ("53200", .body),
            ("57P01", .unavailable), ("57P02", .unavailable), ("57P03", .unavailable), ("57014", .timeout),
            ("55P03", .timeout), ("08P01", .body), ("XX000", .body),
        ])
    func classes(state: String, expected: FailureClass) {
        let failure = PostgresFailure.server(state, options: Self.options)
        #expect(failure.failureClass == expected)
        #expect(failure.message.contains(state))
        #expect(failure.serverAnswered)
    }

    @Test(
        "libpq's own messages have a class",
        arguments: [
            ("failed: Connection refused", false, FailureClass.refused),
            ("failed: No route to host", false, .refused),
            ("failed: server does not support SSL, but SSL was required", true, .tls),
            ("SSL error: certificate verify failed", true, .tls),
            ("root certificate file \"/x\" does not exist", true, .tls),
            ("server certificate for \"a\" does not match host name \"b\"", true, .tls),
            ("failed: received invalid response to SSL negotiation: H", true, .body),
            ("failed: expected authentication request from server, but received H", true, .body),
            ("fe_sendauth: no password supplied", true, .auth),
            ("server closed the connection unexpectedly", true, .refused),
            ("failed: Connection timed out", false, .timeout),
        ])
    func connecting(text: String, connected: Bool, expected: FailureClass) {
        let failure = PostgresFailure.connecting(text, connected: connected, options: Self.options)
        #expect(failure.failureClass == expected)
        #expect(failure.message.hasSuffix("."))
    }
}

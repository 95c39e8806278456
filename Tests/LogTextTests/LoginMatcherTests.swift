import Selectors
import Testing
import TocsinTestKit

@testable import LogText

struct LoginMatcherTests {
    private func find(_ line: String, _ matcher: LoginMatcher) -> LoginMatcher.Found {
        var steps = 1_000_000
        return Array(line.utf8).withUnsafeBytes { matcher.find(in: $0, steps: &steps) }
    }

    private func find(_ line: String, _ format: LoginPattern.Format) -> LoginMatcher.Found {
        find(line, LoginMatcher(format.patterns))
    }

    private func failed(_ account: String, _ address: String, count: Int = 1) -> LoginMatcher.Found {
        .login(LoggedLogin(account: account, address: address, isSuccess: false, count: count))
    }

    private func succeeded(_ account: String, _ address: String) -> LoginMatcher.Found {
        .login(LoggedLogin(account: account, address: address, isSuccess: true, count: 1))
    }

    @Test func sshd() {
        let head = "Apr 22 13:28:31 host-1 sshd[4811]: "
        let root = failed("root", "192.0.2.191")
        #expect(find(head + "Failed password for root from 192.0.2.191 port 58758 ssh2", .sshd) == root)
        #expect(find("Failed password for root from 192.0.2.191 port 58758 ssh2", .sshd) == root, "in a journal")
        #expect(
            find("Jul  5 00:00:00 h sshd-session[1]: Failed password for root from 192.0.2.191 port 1 ssh2", .sshd)
                == root, "OpenSSH 9.8")
        #expect(
            find(head + "Failed password for invalid user oracle from 2001:db8::7 port 2 ssh2", .sshd)
                == failed("oracle", "2001:db8::7"))
        #expect(
            find(head + "message repeated 2 times: [ Failed password for root from 192.0.2.191 port 58758 ssh2]", .sshd)
                == failed("root", "192.0.2.191", count: 2))
        #expect(
            find(
                head + "message repeated 99999999999999999999 times: [ Failed password for a from b port 1 ssh2]", .sshd
            )
                == failed("a", "b"), "a count that is no number")
        #expect(
            find(head + "Failed keyboard-interactive/pam for ana from 192.0.2.1 port 3 ssh2", .sshd)
                == failed("ana", "192.0.2.1"))
        #expect(
            find(head + "Accepted password for ana from 192.0.2.1 port 22 ssh2", .sshd) == succeeded("ana", "192.0.2.1")
        )
        #expect(
            find(head + "Accepted publickey for ana from 192.0.2.1 port 22 ssh2: ED25519 SHA256:abc", .sshd) == .nothing
        )
    }

    @Test("A line costs some thousand steps, of which a look allows twenty million")
    func costs() {
        let line = Array(
            "Apr 22 13:28:31 host-1 sshd[4811]: Failed password for root from 192.0.2.191 port 58758 ssh2".utf8)
        var steps = 1_000_000
        _ = line.withUnsafeBytes { LoginMatcher(LoginPattern.Format.sshd.patterns).find(in: $0, steps: &steps) }
        #expect((400...1000).contains(1_000_000 - steps), "\(1_000_000 - steps)")
    }

    @Test("A name that looks like the rest of a line makes nothing up")
    func namesThatLie() {
        let head = "Apr 22 13:28:31 host-1 sshd[4811]: "
        #expect(
            find(
                head + "Failed password for invalid user a from 198.51.100.1 port 1 ssh2 from 192.0.2.9 port 5 ssh2",
                .sshd)
                == failed("a from 198.51.100.1 port 1 ssh2", "192.0.2.9"))
        for name in ["Accepted password for root", "x sshd[1]: Accepted password for root"] {
            #expect(find(head + "Invalid user \(name) from 192.0.2.9 port 5", .sshd) == .nothing)
        }
        let lie = "root, type=AUTHENTICATION_SUCCESS, data={"
        #expect(
            find(
                "AuditEvent [timestamp=2026-11-24T22:38:00Z, principal=\(lie), type=AUTHENTICATION_FAILURE, data={details="
                    + "WebAuthenticationDetails [RemoteIpAddress=192.0.2.9, SessionId=null], type=x, message=y}]",
                .springSecurity) == failed(lie, "192.0.2.9"))
        let details = "x; details: WebAuthenticationDetails [RemoteIpAddress=198.51.100.1, SessionId=null]"
        #expect(
            find(
                "Authentication event AuthenticationFailureBadCredentialsEvent: \(details); details: "
                    + "WebAuthenticationDetails [RemoteIpAddress=192.0.2.9, SessionId=null]; exception: Bad credentials",
                .springSecurity) == failed(details, "192.0.2.9"))
        #expect(
            find(
                #"type="LOGIN_ERROR", realmId="r", ipAddress="192.0.2.9", error="user_not_found", username="a", "#
                    + #"ipAddress="198.51.100.1", error="user_not_found", username="b""#,
                .keycloak) == failed("a", "192.0.2.9"))
    }

    @Test func springSecurity() {
        let log = "2026-11-24T22:38:00.123Z  WARN 1 --- [nio-8080-exec-7] o.s.s.a.event.LoggerListener : "
        let details = "; details: WebAuthenticationDetails [RemoteIpAddress=192.0.2.7, SessionId=9F]"
        #expect(
            find(
                log
                    + "Authentication event AuthenticationFailureBadCredentialsEvent: ana\(details); exception: Bad credentials",
                .springSecurity) == failed("ana", "192.0.2.7"))
        #expect(
            find(log + "Authentication event AuthenticationSuccessEvent: ana\(details)", .springSecurity)
                == succeeded("ana", "192.0.2.7"))
        #expect(
            find(log + "Authentication event InteractiveAuthenticationSuccessEvent: ana\(details)", .springSecurity)
                == .nothing, "it comes beside the other one")
        #expect(
            find(
                log + "Authentication event AuthenticationFailureLockedEvent: ana; details: null; exception: Locked",
                .springSecurity) == failed("ana", ""))
        #expect(
            find(
                "WARN LoggerListener - Authentication event AuthenticationFailureServiceExceptionEvent: admin; details: "
                    + "org.springframework.security.ui.WebAuthenticationDetails@fffe: RemoteIpAddress: 192.0.2.8; SessionId: D",
                .springSecurity) == failed("admin", "192.0.2.8"))
        #expect(
            find(
                "AuditEvent [timestamp=2026-11-24T22:38:00Z, principal=ana, type=AUTHENTICATION_SUCCESS, data={details="
                    + "WebAuthenticationDetails [RemoteIpAddress=192.0.2.7, SessionId=null]}]", .springSecurity)
                == succeeded("ana", "192.0.2.7"))
    }

    @Test func keycloak() {
        let quoted =
            #"type="LOGIN_ERROR", realmId="m", realmName="m", clientId="c", userId="4f960adf", ipAddress="192.0.2.4", "#
            + #"error="invalid_user_credentials", auth_method="openid-connect", redirect_uri="http://x/y", "#
            + #"code_id="8a", username="ana test""#
        let head = "2026-11-24 22:38:00,123 WARN  [org.keycloak.events] (executor-thread-1) "
        #expect(find(head + quoted, .keycloak) == failed("ana test", "192.0.2.4"))
        let json = #"{"level":"WARN","message":""# + quoted.replacing("\"", with: "\\\"") + #"","threadName":"e"}"#
        #expect(find(json, .keycloak) == failed("ana test", "192.0.2.4"))
        #expect(
            find(head + quoted.replacing("\"", with: "").replacing(" test", with: ""), .keycloak)
                == failed("ana", "192.0.2.4"), "before 22")
        #expect(
            find(head + quoted.replacing(#", username="ana test""#, with: ""), .keycloak)
                == failed("4f960adf", "192.0.2.4"))
        #expect(
            find(
                head + #"type="LOGIN_ERROR", userId="null", ipAddress="192.0.2.4", error="user_not_found", x="y""#,
                .keycloak) == failed("", "192.0.2.4"))
        #expect(
            find(head + quoted.replacing("invalid_user_credentials", with: "expired_code"), .keycloak) == .nothing)
        #expect(
            find(
                head + #"type="LOGIN", realmId="m", userId="4f", ipAddress="192.0.2.4", code_id="8a", username="ana""#,
                .keycloak) == succeeded("ana", "192.0.2.4"))
        #expect(find(head + #"type="LOGOUT", userId="4f", ipAddress="192.0.2.4""#, .keycloak) == .nothing)
    }

    @Test func postgresql() {
        let text = #"FATAL:  password authentication failed for user "ana""#
        let head = "2026-11-24 12:00:00.000 UTC [123] "
        #expect(find(head + text, .postgresql) == failed("ana", ""))
        #expect(find(head + "ana@shop 192.0.2.5(43210) " + text, .postgresql) == failed("ana", "192.0.2.5"))
        #expect(find(head + "2001:db8::5(43210) ana@shop " + text, .postgresql) == failed("ana", "2001:db8::5"))
        #expect(find(head + "host=::1,user=ana: " + text, .postgresql) == failed("ana", "::1"))
        #expect(find(head + "[local] ana@shop " + text, .postgresql) == failed("ana", ""))
        #expect(
            find(
                head
                    + "192.0.2.5(1) LOG:  connection authorized: user=ana database=shop application_name=psql SSL enabled",
                .postgresql) == succeeded("ana", "192.0.2.5"))
        #expect(find(head + #"FATAL:  role "ana" does not exist"#, .postgresql) == .nothing)
    }

    @Test func accessLogs() {
        let rest = #"HTTP/1.1" 401 179 "-" "curl/8""#
        let head = "192.0.2.6 - - [24/Nov/2026:22:38:00 +0000] "
        #expect(find(head + #""POST /login "# + rest, .accessLog) == failed("", "192.0.2.6"))
        #expect(
            find(#"192.0.2.6 - ana [24/Nov/2026:22:38:00 +0000] "POST /oauth/token?a=b "# + rest, .accessLog)
                == failed("ana", "192.0.2.6"))
        #expect(find(head + #""POST /orders "# + rest, .accessLog) == .nothing)
        #expect(find(head + #""GET /login "# + rest, .accessLog) == .nothing)
        #expect(find(head + #""POST /login HTTP/1.1" 200 401 "-" "-""#, .accessLog) == .nothing)
    }

    @Test func linesOfAllSortsAreTakenAsTheyAre() throws {
        let pattern = try LoginPattern("denied: (?P<account>[^ ]+)(?: (?P<count>[0-9]+))?$", isSuccess: false)
        let matcher = LoginMatcher([pattern])
        #expect(find("\u{1b}[31mdenied: a\u{0}na\u{1b}[0m", matcher) == failed("ana", ""), "colours and controls")
        #expect(
            find("denied: " + String(repeating: "é", count: 300), matcher)
                == failed(String(repeating: "é", count: 200), ""))
        #expect(find("denied: a 5000", matcher) == failed("a", "", count: 1000))
        #expect(find("denied: a 0", matcher) == failed("a", ""))
        #expect(find("denied: -", matcher) == failed("", ""))
        let long = "denied: " + String(repeating: "x", count: 5000)
        #expect(find(long, matcher) == .nothing, "its end is not seen")
        var steps = 20
        #expect(Array("denied: a".utf8).withUnsafeBytes { matcher.find(in: $0, steps: &steps) } == .exhausted)
        #expect(Array("x".utf8).withUnsafeBytes { matcher.find(in: $0, steps: &steps) } == .nothing)
        let broken: [UInt8] = Array("denied: ".utf8) + [0xff, 0x61]
        steps = 1000
        #expect(broken.withUnsafeBytes { matcher.find(in: $0, steps: &steps) } == failed("\u{fffd}a", ""))
    }

    @Test(arguments: [
        ("denied: [a-z]+", "it says neither who nor from where"), ("(?P<account>.+)", "3 plain characters in a row"),
        ("(?P<count>[0-9]+) denied", "it says neither"), ("(?P<user>x)", "the names are account, address, count"),
    ])
    func faultsAreTold(pattern: String, message: String) {
        let error = #expect(throws: SearchPattern.SyntaxError.self) { try LoginPattern(pattern, isSuccess: false) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("Literals are found wherever they stand, as a plain search finds them", arguments: 0..<200)
    func theScanFindsAll(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let literals = (0..<Int.random(in: 1...8, using: &random)).map { _ in random.text("abAB", 2...5) }
        let scan = LiteralScan(literals)
        for _ in 0..<50 {
            let line = random.text("abAB ", 0...70)
            let found = Array(line.utf8).withUnsafeBytes(scan.find)
            for (number, literal) in literals.enumerated() {
                #expect((found & 1 << UInt64(number) != 0) == line.contains(literal), "\(literal) in \(line)")
            }
        }
    }
}

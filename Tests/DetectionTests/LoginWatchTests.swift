import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct LoginWatchTests {
    private func watch(_ configuration: LoginWatch.Configuration = .init()) -> LoginWatch {
        LoginWatch(subject: orders, configuration: configuration, startedAt: at(0))
    }

    private func event(_ seconds: Double, _ account: String, _ address: String = "10.0.0.1", ok: Bool = false)
        -> LoginEvent
    {
        LoginEvent(at: at(seconds), account: account, address: address, isSuccess: ok)
    }

    @Test func aSuccessAfterManyFailuresIsFound() throws {
        var watch = watch()
        var findings = watch.take((0..<8).map { event(Double($0) * 30, "alice") })
        #expect(findings.isEmpty)
        findings = watch.take([event(250, "alice", "10.0.0.9", ok: true)])
        let found = try #require(findings.first)
        #expect(found.phase == .opened && found.check == "login-after-failures" && found.family == .security)
        #expect(found.explanation == "alice logged in from 10.0.0.9 at 00:04:10Z after 8 failures in a row.")
        #expect(found.contributors.map(\.contributor) == ["alice"])
        #expect(watch.advance(to: at(2000)).isEmpty)
        #expect(watch.advance(to: at(2100)).map(\.phase) == [.closed])
        #expect(watch.advance(to: at(2200)).isEmpty)
    }

    @Test func aForgottenPasswordIsNone() {
        var watch = watch()
        var findings = watch.take((0..<5).map { event(Double($0) * 20, "alice") } + [event(120, "alice", ok: true)])
        findings += watch.take((0..<5).map { event(200 + Double($0) * 20, "alice") } + [event(400, "alice", ok: true)])
        #expect(findings.isEmpty)
    }

    @Test func failuresOfLongAgoAreNoGuess() {
        var watch = watch()
        #expect(watch.take((0..<8).map { event(Double($0), "alice") } + [event(4000, "alice", ok: true)]).isEmpty)
    }

    @Test func aBurstIsFoundByAccountAndByAddress() throws {
        var watch = watch()
        let findings = watch.take((0..<25).map { event(Double($0) * 5, "alice", "10.0.0.\($0)") })
        let found = try #require(findings.first)
        #expect(found.check == "login-failures" && found.phase == .opened)
        #expect(found.explanation == "25 failed logins of alice within 5m.")
        #expect(
            watch.take((0..<25).map { event(130 + Double($0) * 5, "user\($0 % 3)", "10.1.1.1") }).map(\.phase) == [
                .ongoing
            ])
    }

    @Test func failuresWithoutANameAreJudgedByAddress() throws {
        var watch = watch()
        #expect(watch.take((0..<25).map { event(Double($0), "", "10.0.0.\($0)") }).isEmpty)
        let found = try #require(watch.take((0..<25).map { event(30 + Double($0), "", "10.1.1.1") }).first)
        #expect(found.explanation == "25 failed logins of 10.1.1.1 within 5m.")
        #expect(found.contributors.map(\.contributor) == ["10.1.1.1"])
    }

    @Test func slowSprayingIsFound() throws {
        var watch = watch()
        var findings: [Finding] = []
        // One attempt in twenty minutes, each on another account: no burst ever.
        for attempt in 0..<30 {
            let second = Double(attempt) * 1200
            findings += watch.take([event(second, "user\(attempt)", "203.0.113.7")])
            findings += watch.take([event(second + 5, "user\(attempt)", "10.0.0.\(attempt)", ok: true)])
            findings += watch.advance(to: at(second + 10))
        }
        let found = try #require(findings.first)
        #expect(found.check == "login-spray" && found.at == at(9 * 1200))
        #expect(found.explanation == "203.0.113.7 failed on 10 accounts, 1 times each, since 00:00:00Z.")
        #expect(findings.allSatisfy { $0.check == "login-spray" })
    }

    @Test func aSharedAddressWithForgetfulPeopleIsNoSpray() {
        var watch = watch()
        var findings: [Finding] = []
        for day in 0..<5 {
            for person in 0..<6 {
                let second = Double(day) * 86_400 + Double(person) * 600
                findings += watch.take([
                    event(second, "person\(person)"), event(second + 20, "person\(person)", ok: true),
                ])
            }
            findings += watch.advance(to: at(Double(day) * 86_400 + 80_000))
        }
        #expect(findings.isEmpty)
    }

    @Test func whoFailsMostStaysWhenTheTablesAreFull() {
        var watch = watch(.init(accountsMax: 16, addressesMax: 16))
        var findings: [Finding] = []
        for index in 0..<2000 {
            let second = Double(index)
            findings += watch.take([event(second, "random\(index)", "198.51.100.\(index % 250).\(index)")])
            if index % 10 == 0 { findings += watch.take([event(second, "target", "192.0.2.1")]) }
        }
        #expect(
            findings.contains { $0.check == "login-failures" && $0.contributors.map(\.contributor).contains("target") })
    }

    @Test func theStateSurvives() throws {
        var watch = watch()
        _ = watch.take((0..<8).map { event(Double($0) * 30, "alice") })
        let bytes = try JSONEncoder().encode(watch.snapshot)
        var restored = self.watch()
        restored.restore(try JSONDecoder().decode(LoginWatch.Snapshot.self, from: bytes))
        let expected = watch.take([event(250, "alice", ok: true)])
        #expect(restored.take([event(250, "alice", ok: true)]) == expected)
        #expect(expected.map(\.phase) == [.opened])
    }
}

import PostgresClient
import Telemetry
import Testing

@testable import PostgresProbe

@Suite struct ReconnectPolicyTests {
    let start = ContinuousClock.now

    @Test(
        "a server that is down is tried in every round",
        arguments: [FailureClass.refused, .timeout, .silent, .unavailable, .exhausted])
    func noPause(failureClass: FailureClass) {
        var policy = ReconnectPolicy(interval: .seconds(10))
        for _ in 0..<5 { policy.connectFailed(PostgresFailure(failureClass, "x."), now: start) }
        #expect(policy.pause(now: start) == nil)
    }

    @Test func aRefusedLoginIsTriedLessAndLess() {
        var policy = ReconnectPolicy(interval: .seconds(10))
        var tries: [Int] = []
        for round in 0..<24 {
            let now = start + .seconds(round * 10)
            if let failure = policy.pause(now: now) {
                #expect(failure.failureClass == .auth)
                #expect(failure.message.hasPrefix("No. Next try in "))
            } else {
                tries.append(round)
                policy.connectFailed(PostgresFailure(.auth, "No."), now: now)
            }
        }
        #expect(tries == [0, 1, 3, 7, 13, 19])
        policy.succeeded()
        #expect(policy.pause(now: start) == nil)
    }

    @Test func patienceWithASessionThatHangsGrows() {
        var policy = ReconnectPolicy(interval: .seconds(5))
        let given = (0..<60).filter { !policy.keepsStuckSession(now: start + .seconds($0 * 5)) }
        // 15 s, then from the next round on 30 s, then 60 s.
        #expect(given == [3, 10, 23, 36, 49])
    }
}

import Incidents
import Runbook
import Telemetry
import Testing

@Suite struct OutboxMachineTests {
    private static let start = Timestamp(millis: 1_700_000_000_000)

    private static func time(_ seconds: Double) -> Timestamp { start + .milliseconds(Int64(seconds * 1000)) }

    private static func entry(
        _ key: String, _ severity: Severity = .p3, _ purpose: Notice.Purpose = .page, channel: String = "chat",
        at seconds: Double = 0
    ) -> OutboxEntry {
        let notice = Notice(
            key: key, incident: IncidentID(rawValue: 1), episodeKey: "INC-1/1", purpose: purpose, severity: severity,
            title: "High error rate", cluster: "alpha", subject: "shop/Deployment/cart", text: key, openedAt: start,
            at: time(seconds), roles: ["On-call Engineer"])
        return OutboxEntry(notice, channel: channel, at: time(seconds))
    }

    private func machine(
        _ channels: [String] = ["chat"], perMinute: Int = 1000, digestFrom: Int = 0,
        configuration: OutboxMachine.Configuration = .init()
    ) -> OutboxMachine {
        var limits = OutboxMachine.Limits()
        (limits.perMinute, limits.digestFrom) = (perMinute, digestFrom)
        return OutboxMachine(
            channels: Dictionary(uniqueKeysWithValues: channels.map { ($0, limits) }), configuration: configuration)
    }

    @Test func theWorstGoesFirstOneAtATime() throws {
        var outbox = machine()
        let p4 = Self.entry("a", .p4), p1 = Self.entry("b", .p1, at: 1), end = Self.entry("c", .p1, .resolved)
        #expect(outbox.add([p4, end, p1], at: Self.time(1)).isEmpty)
        var order: [String] = []
        while let send = outbox.due(at: Self.time(2)).first {
            #expect(outbox.due(at: Self.time(2)).isEmpty, "one send a channel")
            order.append(send.key)
            #expect(outbox.finish(send, .delivered, at: Self.time(2)).map(\.state) == [.delivered])
        }
        #expect(order == ["b", "c", "a"])
        #expect(outbox.waitingCount == 0)
    }

    @Test func aChannelThatHangsHoldsUpNoOther() {
        var outbox = machine(["chat", "mail"])
        _ = outbox.add([Self.entry("a", channel: "chat"), Self.entry("a", channel: "mail")], at: Self.time(0))
        #expect(outbox.due(at: Self.time(0)).map(\.channel) == ["chat", "mail"])
        _ = outbox.add([Self.entry("b", channel: "mail")], at: Self.time(1))
        #expect(outbox.due(at: Self.time(1)).isEmpty)
    }

    @Test func aFailureIsTriedAgainWithPausesThatGrow() throws {
        var outbox = machine()
        _ = outbox.add([Self.entry("a")], at: Self.time(0))
        var now = Self.time(0)
        var pauses: [Double] = []
        for attempt in 1...10 {
            let send = try #require(outbox.due(at: now).first)
            let stored = outbox.finish(send, .failed(reason: "refused", after: nil), at: now)
            #expect(stored.map(\.attempts) == [attempt])
            #expect(stored.map(\.failure) == ["refused"])
            let next = try #require(outbox.nextDue(at: now))
            pauses.append((next - now).inSeconds)
            #expect(outbox.due(at: next - .milliseconds(1)).isEmpty)
            now = next
        }
        #expect((1.5...2).contains(pauses[0]))
        #expect((3...4).contains(pauses[1]))
        #expect((225...300).contains(pauses[9]), "capped at five minutes")
    }

    @Test func aReceiverThatAsksForAPauseGetsIt() throws {
        var outbox = machine()
        _ = outbox.add([Self.entry("a")], at: Self.time(0))
        let send = try #require(outbox.due(at: Self.time(0)).first)
        _ = outbox.finish(send, .failed(reason: "429", after: .seconds(90)), at: Self.time(0))
        #expect(outbox.nextDue(at: Self.time(0)) == Self.time(90))
        #expect(outbox.due(at: Self.time(89)).isEmpty)
        #expect(outbox.due(at: Self.time(90)).map(\.key) == ["a"], "the same key")
    }

    @Test func aSuccessEndsThePause() throws {
        var outbox = machine()
        _ = outbox.add([Self.entry("a"), Self.entry("b")], at: Self.time(0))
        let first = try #require(outbox.due(at: Self.time(0)).first)
        _ = outbox.finish(first, .failed(reason: "refused", after: nil), at: Self.time(0))
        let again = try #require(outbox.due(at: Self.time(2)).first)
        _ = outbox.finish(again, .delivered, at: Self.time(2))
        #expect(outbox.due(at: Self.time(2)).map(\.key) == ["b"])
    }

    @Test func whatIsRejectedIsADeadLetterAtOnce() throws {
        var outbox = machine()
        _ = outbox.add([Self.entry("a")], at: Self.time(0))
        let send = try #require(outbox.due(at: Self.time(0)).first)
        let stored = outbox.finish(send, .rejected(reason: "400: no such channel"), at: Self.time(1))
        #expect(stored.map(\.state) == [.dead])
        #expect(stored.map(\.failure) == ["400: no such channel"])
        #expect(outbox.due(at: Self.time(9)).isEmpty)
    }

    @Test func aDayWithoutSuccessIsADeadLetter() throws {
        var outbox = machine()
        _ = outbox.add([Self.entry("a")], at: Self.time(0))
        let send = try #require(outbox.due(at: Self.time(86_400)).first)
        #expect(
            outbox.finish(send, .failed(reason: "refused", after: nil), at: Self.time(86_400)).first?.state == .dead)
    }

    @Test func aChannelThatIsNoLongerConfiguredIsADeadLetter() {
        var outbox = machine()
        let dead = outbox.add([Self.entry("a", channel: "gone")], at: Self.time(0))
        #expect(dead.map(\.failure) == ["no channel 'gone' is configured"])
    }

    @Test func noMoreThanTheRateInAnyMinute() throws {
        var outbox = machine(perMinute: 3)
        _ = outbox.add((0..<10).map { Self.entry("k\($0)", .p1) }, at: Self.time(0))
        var sentAt: [Double] = []
        for second in stride(from: 0.0, to: 240, by: 0.5) {
            while let send = outbox.due(at: Self.time(second)).first {
                sentAt.append(second)
                _ = outbox.finish(send, .delivered, at: Self.time(second))
            }
        }
        #expect(sentAt == [0, 0, 0, 60, 60, 60, 120, 120, 120, 180])
    }

    @Test func nextDueTellsWhenTheRateAllowsMore() throws {
        var outbox = machine(perMinute: 1)
        #expect(outbox.nextDue(at: Self.time(0)) == nil)
        _ = outbox.add([Self.entry("a", .p1), Self.entry("b", .p1)], at: Self.time(0))
        #expect(outbox.nextDue(at: Self.time(0)) == Self.time(0))
        let send = try #require(outbox.due(at: Self.time(0)).first)
        #expect(outbox.nextDue(at: Self.time(0)) == nil, "under way: its end brings the next")
        _ = outbox.finish(send, .delivered, at: Self.time(1))
        #expect(outbox.nextDue(at: Self.time(1)) == Self.time(60))
    }

    @Test func manyMinorNoticesBecomeOneDigestAndCallsStandAlone() throws {
        var outbox = machine(digestFrom: 3)
        let minor = (0..<4).map { Self.entry("minor\($0)", .p3) }
        _ = outbox.add(minor + [Self.entry("call", .p1)], at: Self.time(0))
        let call = try #require(outbox.due(at: Self.time(0)).first)
        #expect(call.entries.map(\.notice.key) == ["call"])
        _ = outbox.finish(call, .delivered, at: Self.time(0))
        let digest = try #require(outbox.due(at: Self.time(0)).first)
        #expect(digest.isNewDigest)
        #expect(digest.key == "digest/minor0")
        #expect(digest.entries.count == 4)
        let stored = outbox.finish(digest, .failed(reason: "refused", after: nil), at: Self.time(0))
        _ = outbox.add([Self.entry("minor9", .p3)], at: Self.time(1))
        let again = try #require(outbox.due(at: Self.time(5)).first)
        #expect(again.key == digest.key)
        #expect(again.entries.count == 4, "a resend has the same members")
        #expect(!again.isNewDigest)

        var restarted = machine(digestFrom: 3)
        _ = restarted.add(stored, at: Self.time(9))
        #expect(try #require(restarted.due(at: Self.time(9)).first).key == digest.key, "after a restart too")
    }

    @Test func whenTooManyWaitTheLeastUrgentIsGivenUp() {
        var configuration = OutboxMachine.Configuration()
        configuration.entriesMax = 2
        var outbox = machine(configuration: configuration)
        let dead = outbox.add([Self.entry("a", .p4), Self.entry("b", .p1), Self.entry("c", .p2)], at: Self.time(0))
        #expect(dead.map(\.notice.key) == ["a"])
        #expect(dead.map(\.state) == [.dead])
        #expect(outbox.waitingCount == 2)
    }

    @Test func anEntryThatIsThereAlreadyIsNotTakenTwice() {
        var outbox = machine()
        _ = outbox.add([Self.entry("a")], at: Self.time(0))
        _ = outbox.add([Self.entry("a")], at: Self.time(1))
        #expect(outbox.waitingCount == 1)
    }
}

import Detection
import Incidents
import Runbook
import Telemetry
import Testing

/// The runbook's "Escalation Matrix", line by line.
@Suite struct EscalationMatrixTests {
    @Test(arguments: [
        (Severity.p1, ["0 opened On-call Engineer", "30 escalated Engineering Manager", "60 escalated CTO"]),
        (.p2, ["0 opened On-call Engineer", "30 escalated Engineering Manager", "60 escalated CTO"]),
        // Two hours to respond first: nobody is late before.
        (.p3, ["0 opened On-call Engineer", "150 escalated Team Lead", "180 escalated Engineering Manager"]),
        (.p4, ["0 opened On-call Engineer", "1470 escalated Team Lead"]),
    ])
    func initialResponderThenEscalation30MinThenEscalation1Hour(severity: Severity, expected: [String]) {
        var response = Response()
        response.open(severity)
        for minute in stride(from: 0.5, through: 3000, by: 0.5) { response.run(until: minute) }
        #expect(response.pages.map(Response.line) == expected)
    }

    @Test func responseTimesAreTheRunbooks() {
        let policy = EscalationPolicy.runbook
        let minutes = Severity.allCases.sorted(by: >).map { policy[$0].respondWithin.inSeconds / 60 }
        #expect(minutes == [15, 30, 120, 1440])
        var response = Response()
        response.open(.p2)
        #expect(response.machine.chain(of: Response.incident)?.respondBy(policy) == Response.minute(30))
        response.acknowledge(.p2, at: 3)
        #expect(response.machine.chain(of: Response.incident)?.respondBy(policy) == nil)
    }

    @Test func p4HasNoStepAfterTheTeamLeadAndSaysSo() {
        var response = Response()
        response.open(.p4)
        #expect(response.pending == ["1470 escalated Team Lead", "1500 escalated -"])
        response.run(until: 1470)
        #expect(response.pending == ["1500 escalated -"])
        #expect(response.run(until: 100_000).isEmpty)
    }

    @Test func everyPendingPageIsListedWithItsDueTime() {
        var response = Response()
        response.open(.p1)
        #expect(response.pending == ["30 escalated Engineering Manager", "60 escalated CTO"])
        response.run(until: 31)
        #expect(response.pending == ["60 escalated CTO"])
        response.acknowledge(.p1, at: 40)
        #expect(response.pending == ["70 retriggered On-call Engineer"])
    }

    @Test func aContactTableNeedsTheMatrixsRoles() {
        #expect(
            EscalationPolicy.runbook.roles == [
                "On-call Engineer", "Engineering Manager", "CTO", "Team Lead", "DBA", "Security Lead",
            ])
    }

    /// The runbook's contacts "DBA" and "Security Lead", and its "Notify security team".
    @Test(arguments: [
        (
            Family.database, Severity.p1,
            ["0 opened On-call Engineer+DBA", "30 escalated Engineering Manager", "60 escalated CTO"]
        ),
        (.database, .p2, ["0 opened On-call Engineer+DBA", "30 escalated Engineering Manager", "60 escalated CTO"]),
        (
            .database, .p3,
            ["0 opened On-call Engineer", "150 escalated Team Lead", "180 escalated Engineering Manager"]
        ),
        (
            .security, .p3,
            ["0 opened On-call Engineer+Security Lead", "150 escalated Team Lead", "180 escalated Engineering Manager"]
        ),
        (.memory, .p1, ["0 opened On-call Engineer", "30 escalated Engineering Manager", "60 escalated CTO"]),
    ])
    func whoKnowsAboutTheFamilyIsCalledWithTheInitialResponder(family: Family, severity: Severity, expected: [String]) {
        var response = Response()
        response.open(severity, family: family)
        for minute in stride(from: 0.5, through: 200, by: 0.5) { response.run(until: minute) }
        #expect(response.pages.map(Response.line) == expected)
    }

    @Test func aRiseCallsWhoKnowsAndSilenceCallsThemAgain() {
        var response = Response()
        response.open(.p3, family: .database)
        response.acknowledge(.p3, at: 1)
        response.rise(to: .p1, from: .p3, at: 5)
        #expect(response.run(until: 5).map(Response.line) == ["5 raised On-call Engineer+DBA"])
        response.acknowledge(.p1, at: 10)
        #expect(response.run(until: 40).map(Response.line) == ["40 retriggered On-call Engineer+DBA"])
        response.resolve(at: 50)
        #expect(response.run(until: 50).map(Response.line) == ["50 resolved On-call Engineer+DBA"])
    }

    @Test func acknowledgeStops() {
        var response = Response()
        response.open(.p1)
        response.acknowledge(.p1, at: 10)
        response.record(.noted(by: "ada", text: "looking"), at: 39)
        #expect(response.run(until: 68).isEmpty)
    }

    @Test func silenceAfterAcknowledgingPagesAgainAndTheMatrixStartsAnew() {
        var response = Response()
        response.open(.p1)
        response.acknowledge(.p1, at: 10)
        #expect(response.run(until: 39.9).isEmpty)
        #expect(response.run(until: 40).map(Response.line) == ["40 retriggered On-call Engineer"])
        #expect(response.run(until: 70).map(Response.line) == ["70 escalated Engineering Manager"])
        response.acknowledge(.p1, at: 71)
        #expect(response.pending == ["101 retriggered On-call Engineer"])
        #expect(Set(response.pages.map(\.key)).count == response.pages.count)
    }

    @Test func anySignOfAPersonPutsTheSilenceOff() {
        var response = Response()
        response.open(.p2)
        response.acknowledge(.p2, at: 5)
        response.record(.stateChanged(from: .investigating, to: .identified, by: "ada"), at: 60)
        #expect(response.run(until: 119).isEmpty)
        #expect(response.run(until: 120).map(\.reason) == [.retriggered])
    }

    @Test func aRisePagesAgainAndRestartsTheClock() {
        var response = Response()
        response.open(.p3)
        response.acknowledge(.p3, at: 20)
        response.rise(to: .p1, from: .p3, at: 100)
        #expect(response.run(until: 100).map(Response.line) == ["100 raised On-call Engineer"])
        #expect(response.pending == ["130 escalated Engineering Manager", "160 escalated CTO"])
    }

    @Test func anAcknowledgedLevelAndAllBelowItPageNobody() {
        var response = Response()
        response.open(.p1)
        response.acknowledge(.p1, at: 1)
        response.rise(to: .p3, from: .p1, at: 10)
        response.rise(to: .p1, from: .p3, at: 15)
        #expect(response.run(until: 30).isEmpty)
    }

    @Test func aLevelThatSwingsPagesOnceForItsWorst() {
        var response = Response()
        response.open(.p2)
        for swing in 1...5 {
            response.rise(to: .p1, from: .p2, at: Double(swing))
            response.run(until: Double(swing))
            response.rise(to: .p2, from: .p1, at: Double(swing) + 0.5)
            response.run(until: Double(swing) + 0.5)
        }
        #expect(response.pages.map(\.reason) == [.opened, .raised])
    }

    @Test func resolveCancelsAndTellsAllWhoWereCalled() {
        var response = Response()
        response.open(.p1)
        response.run(until: 30)
        response.resolve(at: 45)
        #expect(response.pending == ["45 resolved On-call Engineer+Engineering Manager"])
        #expect(response.run(until: 45).map(\.reason) == [.resolved])
        #expect(response.run(until: 5000).isEmpty)
        #expect(response.pending.isEmpty)
    }

    @Test func whoWasNotToldThatItBeganIsNotToldThatItIsOver() {
        var response = Response()
        response.record(
            .detected(
                subject: Response.subject, family: .errorRate, checkGroup: "error-rate", title: "High error rate",
                episode: 1, onsetAt: Response.start, detectedAt: Response.start), at: 0)
        response.rise(to: .p2, from: nil, at: 0)
        #expect(response.run(until: 5, isHeld: true).isEmpty)
        response.resolve(at: 6)
        #expect(response.run(until: 7).isEmpty)
    }

    @Test func aSilenceHoldsPagesAndItsEndReleasesThem() {
        var response = Response()
        response.open(.p1)
        #expect(response.run(until: 50, isHeld: true).isEmpty)
        #expect(response.run(until: 51).map(Response.line) == ["30 escalated Engineering Manager"])
        response.resolve(at: 52)
        #expect(response.run(until: 52, isHeld: true).map(\.reason) == [.resolved], "an end is never held")
    }

    @Test func anEpisodeThatComesBackIsAnnouncedAnew() {
        var response = Response()
        response.open(.p2)
        response.acknowledge(.p2, at: 1)
        response.resolve(at: 10)
        response.run(until: 10)
        response.reopen(.p2, episode: 2, at: 20)
        response.resolve(at: 25)
        response.run(until: 25)
        #expect(response.pages.map(\.reason) == [.opened, .resolved, .opened, .resolved])
        #expect(response.pages.map(\.key) == ["INC-7/1/1/0", "INC-7/1/resolved", "INC-7/2/1/0", "INC-7/2/resolved"])
    }

    @Test func aRestartFiresWhatIsOverdueAndNothingTwice() {
        var response = Response()
        response.open(.p1)
        response.run(until: 5)
        var restarted = response.restarted
        #expect(restarted.machine == response.machine)
        #expect(
            restarted.run(until: 75).map(Response.line) == ["30 escalated Engineering Manager", "60 escalated CTO"])
        var again = restarted.restarted
        #expect(again.run(until: 76).isEmpty)
    }

    @Test func aPromisedUpdateIsATimerAndAMissedOneEscalates() {
        var response = Response()
        response.open(.p1)
        response.acknowledge(.p1, at: 2)
        response.send(.initial, at: 4, nextUpdateAfter: 15)
        #expect(response.pending.first == "19 promiseMissed On-call Engineer+Engineering Manager")
        response.send(.update, at: 18, nextUpdateAfter: 15)
        #expect(response.run(until: 32).isEmpty)
        #expect(
            response.run(until: 33).map(Response.line) == ["33 promiseMissed On-call Engineer+Engineering Manager"])
        #expect(response.run(until: 40).isEmpty, "one promise, one page")
    }

    @Test func aCustomersPromiseIsNotKeptByAnInternalUpdate() {
        var response = Response()
        response.open(.p1)
        response.acknowledge(.p1, at: 2)
        response.send(.customer, at: 4, nextUpdateAfter: 30)
        response.send(.update, at: 20, nextUpdateAfter: nil)
        #expect(response.run(until: 34).map(\.reason) == [.promiseMissed])
    }
}

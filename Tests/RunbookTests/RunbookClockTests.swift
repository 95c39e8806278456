import Detection
import Incidents
import Runbook
import Signals
import Telemetry
import Testing

/// The runbook's "Initial Response": two lists that tick by evidence.
@Suite struct RunbookClockTests {
    private func item(_ step: RunbookClock.Step, of response: Response, at minutes: Double) throws -> ChecklistItem {
        let list = response.machine.checklist(of: Response.incident, at: Response.minute(minutes))
        return try #require(list.first { $0.step == step })
    }

    private var finding: Finding {
        let check = Check(
            name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
            direction: .above, enter: 0.05, leave: 0.02, holdFor: .zero, leaveFor: .zero)
        return Finding(
            subject: Response.subject, check: check, phase: .opened, at: Response.start, onsetAt: Response.start,
            value: 0.3, worstValue: 0.3, threshold: 0.05, volume: 100, affected: 2, total: 3,
            coverage: Coverage(present: 3, expected: 3),
            contributors: [Contribution(contributor: "cart-1", value: 0.5, volume: 50)], explanation: "30 % fail")
    }

    private var assessment: SeverityAssessment {
        SeverityAssessment(
            severity: .p1, check: "error-rate", origin: "t:1", because: "many", sentence: "P1 because many")
    }

    @Test func theListsAreTheRunbooks() {
        let steps = RunbookClock.Step.allCases
        #expect(
            steps.filter { $0.listMinutes == 5 }.map(\.title) == [
                "Acknowledge the alert", "Assess severity level", "Notify on-call team", "Create incident ticket",
            ])
        #expect(
            steps.filter { $0.listMinutes == 15 }.map(\.title) == [
                "Gather initial information", "Identify affected components", "Determine scope of impact",
                "Communicate status to stakeholders",
            ])
    }

    @Test func first5Minutes_1_AcknowledgeTheAlert() throws {
        var response = Response()
        response.open(.p1)
        #expect(try item(.acknowledge, of: response, at: 4).isLate == false)
        #expect(try item(.acknowledge, of: response, at: 6).isLate, "not done and past its time")
        response.acknowledge(.p1, at: 3)
        let done = try item(.acknowledge, of: response, at: 60)
        #expect(done.doneAt == Response.minute(3))
        #expect(done.evidence == "ada at P1")
        #expect(done.isLate == false)
    }

    @Test func first5Minutes_2_AssessSeverityLevel() throws {
        var response = Response()
        response.open(.p2)
        #expect(try item(.assessSeverity, of: response, at: 1).evidence == "P2 by thresholds.yaml:230")
    }

    @Test func first5Minutes_3_NotifyOnCallTeam() throws {
        var response = Response()
        response.open(.p1)
        #expect(try item(.notifyOnCall, of: response, at: 1).doneAt == nil, "a page on its way is not one that arrived")
        response.record(.delivered(key: "INC-7/1/1/0", channel: "pager"), at: 6)
        let late = try item(.notifyOnCall, of: response, at: 10)
        #expect(late.evidence == "pager took INC-7/1/1/0")
        #expect(late.isLate, "done after five minutes")
    }

    @Test func first5Minutes_4_CreateIncidentTicket() throws {
        var response = Response()
        response.open(.p1)
        #expect(try item(.createTicket, of: response, at: 0).evidence == "INC-7")
    }

    @Test func first15Minutes_InformationComponentsAndScope() throws {
        var response = Response()
        response.open(.p1)
        #expect(try item(.gatherInformation, of: response, at: 1).doneAt == nil)
        response.record(.findingOpened(finding: finding, assessment: assessment), at: 1)
        #expect(try item(.gatherInformation, of: response, at: 2).evidence == "check error-rate: 30 % fail")
        #expect(try item(.identifyComponents, of: response, at: 2).evidence == "cart-1")
        #expect(try item(.determineScope, of: response, at: 2).evidence == "2 of 3 in breach")
    }

    @Test func first15Minutes_4_CommunicateStatusToStakeholders() throws {
        var response = Response()
        response.open(.p1)
        #expect(try item(.tellStakeholders, of: response, at: 16).isLate)
        response.send(.initial, at: 10, nextUpdateAfter: 15)
        #expect(try item(.tellStakeholders, of: response, at: 16).isLate == false)
    }

    @Test func theListsOfAP3AreLateOnlyAfterItsResponseTime() throws {
        var response = Response()
        response.open(.p3)
        #expect(try item(.acknowledge, of: response, at: 124).isLate == false)
        #expect(try item(.acknowledge, of: response, at: 126).isLate)
    }

    @Test func whatWasNotDueBeforeTheEndIsNotLateAfterIt() throws {
        var response = Response()
        response.open(.p1)
        response.resolve(at: 3)
        #expect(try item(.acknowledge, of: response, at: 600).isLate == false)
    }

    @Test func aFurtherEpisodeStartsTheListsAnew() throws {
        var response = Response()
        response.open(.p1)
        response.acknowledge(.p1, at: 1)
        response.resolve(at: 2)
        response.reopen(.p1, episode: 2, at: 10)
        #expect(try item(.acknowledge, of: response, at: 11).doneAt == nil)
        #expect(try item(.createTicket, of: response, at: 11).doneAt == Response.minute(10))
    }
}

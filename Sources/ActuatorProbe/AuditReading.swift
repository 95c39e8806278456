import FoundationEssentials
import Probing
import Telemetry

/// What the probe remembers of an application's audit events.
struct AuditState: Sendable {
    /// Nil before the first look; later logins count, earlier ones are history.
    var tally: LoginTally?
    /// Looks that did not show again what the look before had shown, or that had to pass over a stretch of time.
    var gaps: UInt64 = 0
    /// The mark as it was kept last.
    var kept: LoginTally.Mark?
    /// Answers in a row that were too long or broke off.
    var unreadable = 0
    /// The newest login was in the last answer that was read.
    var hasShown = false
}

/// What one look at the audit events gave.
struct AuditReading: Sendable {
    var samples: [Sample] = []
    var edges: [Edge] = []
    var remarks: [String] = []
}

/// Asks for the logins since the last look.
///
/// The endpoint takes a time and gives all events after it: each look goes back a little and passes over what it knows.
/// Spring's own repository holds the last 1000 events; when more came between two looks, or the application was
/// restarted, the last look's events are no longer shown, which is counted as a gap.
struct AuditReader: Sendable {
    let session: ActuatorSession
    let labels: LabelSet
    let time: Timestamp

    /// Longest answer, about 8000 events.
    static let bodyBytesMax = 2 << 20
    /// Answers in a row that cannot be read before a stretch of time is passed over.
    static let unreadableMax = 2

    /// Looks once; nil when the endpoint is not offered.
    func read(_ state: inout AuditState) async -> AuditReading? {
        let tally = state.tally ?? LoginTally(startingAt: time.seconds)
        state.tally = tally
        var reading = AuditReading()
        // Only what is later than `after` is shown, and times are cut to the millisecond.
        let after = Timestamp(seconds: tally.since) - .milliseconds(1)
        let path = "/auditevents?after=" + QueryValue.encode(after.rfc3339)
        switch await session.get(path, bodyBytesMax: Self.bodyBytesMax) {
        case .missing:
            state.tally = nil
            return nil
        case .notAsked: break
        case .found(let response):
            guard let events = AuditEvents(response.body, ownName: session.basicName) else {
                reading.remarks = ["Logins could not be read: /auditevents does not answer with audit events."]
                break
            }
            take(events.logins, tally, &state, &reading)
        case .denied(let status):
            reading.remarks = ["Logins could not be read: /auditevents needs credentials (status \(status))."]
        case .status(let response):
            reading.remarks = ["Logins could not be read: /auditevents gave status \(response.status)."]
        case .failed(let failure):
            reading.remarks = ["Logins could not be read: \(failure.message)"]
            state.unreadable = failure.failureClass == .body ? state.unreadable + 1 : 0
            if state.unreadable >= Self.unreadableMax { passOver(tally, &state, &reading) }
        }
        reading.samples = samples(state)
        return reading
    }

    private func take(
        _ logins: [LoginRecord], _ tally: LoginTally, _ state: inout AuditState, _ reading: inout AuditReading
    ) {
        var tally = tally
        if state.hasShown, !logins.contains(where: tally.knows) { state.gaps += 1 }
        reading.edges = tally.take(logins, labels: labels)
        state.hasShown = logins.contains { $0.at >= tally.since }
        state.unreadable = 0
        state.tally = tally
    }

    /// Gives up the older half of the time whose events do not fit: some answer is short enough in the end.
    private func passOver(_ tally: LoginTally, _ state: inout AuditState, _ reading: inout AuditReading) {
        var tally = tally
        let until = (tally.since + max(time.seconds, tally.since)) / 2
        tally.skip(to: until)
        state.tally = tally
        state.gaps += 1
        state.hasShown = false
        state.unreadable = 0
        let moment = Timestamp(seconds: until).rfc3339
        reading.remarks.append("Logins before \(moment) were passed over, since the answer was too long to be read.")
    }

    private func samples(_ state: AuditState) -> [Sample] {
        guard let tally = state.tally else { return [] }
        let values = tally.values + [(Series("login_log_gaps_total"), Double(state.gaps))]
        return values.map { Sample(Series($0.series.metric, labels.merging($0.series.labels)), time, $0.value) }
    }
}

extension ActuatorSession {
    /// The account that the requests log in with under basic authentication.
    var basicName: String? {
        guard let value = headers.first(where: { $0.name == "Authorization" })?.value, value.hasPrefix("Basic "),
            let pair = Data(base64Encoded: String(value.dropFirst(6)))
        else { return nil }
        return String(decoding: pair.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
    }
}

import ActuatorProbe
import FuzzSupport
import Probing
import Telemetry

/// One input: what `/auditevents` answers in up to three looks, of which each goes on where the one before ended.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzAuditEvents(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var tally = LoginTally(startingAt: 0)
    for part in Fuzz.parts(Fuzz.bytes(start, size), countMax: 3) {
        guard let events = AuditEvents(part, ownName: "tocsin") else { continue }
        for login in events.logins {
            precondition(login.account.count <= AuditEvents.nameLengthMax)
            precondition(login.address.count <= AuditEvents.nameLengthMax)
            precondition(login.at.isFinite && login.at > -1e12 && login.at < 1e12)
            precondition(!(login.isSuccess && login.account == "tocsin"), "the probe's own login")
        }
        precondition(zip(events.logins, events.logins.dropFirst()).allSatisfy { $0.at <= $1.at }, "not in order")
        let before = tally.failures + tally.successes
        let edges = tally.take(events.logins, labels: [LabelName.node: "n"])
        let counted = tally.failures + tally.successes - before
        precondition(edges.reduce(0) { $0 + $1.count } == Int(counted), "an edge lacks, or is one too many")
        precondition(tally.take(events.logins, labels: LabelSet()).isEmpty, "taken twice")
        Fuzz.canary(edges.count > 1)
    }
    return 0
}

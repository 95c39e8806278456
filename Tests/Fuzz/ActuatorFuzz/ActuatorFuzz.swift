import ActuatorProbe
import FuzzSupport
import Probing
import Telemetry

/// One input: what an actuator answers, request after request, in two looks.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzActuator(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let server = FuzzedServer(bodies: Fuzz.parts(Fuzz.bytes(start, size), countMax: 8))
    Fuzz.run {
        let probe = ActuatorProbe(ActuatorProbe.Configuration(name: "a", baseURL: "http://a/actuator"), http: server)
        for look in 1...2 {
            let report = await probe.run(startedAt: Timestamp(seconds: 1_700_000_000 + Double(look)))
            precondition(report.samples.allSatisfy { !$0.series.metric.isEmpty })
            Fuzz.canary(report.samples.count > 3)
        }
    }
    return 0
}

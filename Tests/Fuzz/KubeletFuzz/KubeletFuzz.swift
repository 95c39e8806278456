import FuzzSupport
import PodProbe
import Probing
import Telemetry

/// One input: what a kubelet answers to `/pods` and `/stats/summary`, in two looks, so that lists are compared.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzKubelet(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let server = FuzzedServer(bodies: Fuzz.parts(Fuzz.bytes(start, size), countMax: 4))
    Fuzz.run {
        let probe = PodProbe(
            PodProbeConfiguration(node: "n", endpoint: "http://k", tokenFile: nil, trust: .insecure, podsMax: 20),
            fetcher: server)
        for look in 1...2 {
            let report = await probe.run(startedAt: Timestamp(seconds: 1_700_000_000 + Double(look)))
            precondition(report.samples.allSatisfy { !$0.series.metric.isEmpty })
            Fuzz.canary(report.samples.count > 3)
        }
    }
    return 0
}

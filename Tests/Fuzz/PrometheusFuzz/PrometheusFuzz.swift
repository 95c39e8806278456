import FuzzSupport
import PrometheusProbe
import Telemetry

/// One input: a Prometheus text.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPrometheus(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let text = PrometheusText(Fuzz.bytes(start, size), linesMax: 100) { !$0.hasPrefix("x") }
    precondition(text.lines.count <= 100)
    for line in text.lines { precondition(!line.name.isEmpty && line.labels.labels.count <= PrometheusText.labelsMax) }
    Fuzz.canary(text.lines.contains { $0.labels.labels.count > 1 })
    return 0
}

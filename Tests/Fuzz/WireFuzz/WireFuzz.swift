import Foundation
import FuzzSupport
import IngestWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// One input: a message of the ingest stream, of an agent and of the coordinator, and requests of the query service.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzWire(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let data = Data(Fuzz.bytes(start, size))
    let limits = WireLimits.standard
    if let message = try? Tocsin_V1_AgentMessage(serializedBytes: data) {
        switch message.message {
        case .hello(let hello):
            let hello = try? AgentHello(proto: hello, limits: limits)
            Fuzz.canary(hello != nil)
        case .frame(let frame):
            if case .edgeBatch(let batch)? = frame.payload, let edges = try? batch.decoded(limits: limits) {
                precondition(edges.count <= limits.edgesMax)
            }
        case .targetReport(let report):
            if let statuses = try? report.decoded(limits: limits) { precondition(statuses.count <= limits.targetsMax) }
        default: break
        }
    }
    if let message = try? Tocsin_V1_CoordinatorMessage(serializedBytes: data),
        case .targets(let targets)? = message.message
    {
        _ = try? TargetsAnswer(proto: targets, limits: limits)
    }
    _ = try? Tocsin_V1_QuerySamplesRequest(serializedBytes: data)
    _ = try? Tocsin_V1_AddSilenceRequest(serializedBytes: data)
    return 0
}

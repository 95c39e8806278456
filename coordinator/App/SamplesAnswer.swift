import GRPCCore
import QueryWire
import SQLiteFile
import SampleStore
import Selectors
import SwiftProtobuf
import Telemetry
import TocsinProto

/// One call of `QuerySamples`: checks the request, streams the answer, maps the store's errors to the caller's.
struct SamplesAnswer {
    let request: Tocsin_V1_QuerySamplesRequest
    let samples: SampleStore

    func run(to response: RPCWriter<Tocsin_V1_QuerySamplesResponse>) async throws {
        guard request.fromMillis <= request.toMillis else {
            throw QueryError(.invalidArgument, "the range ends before it begins")
        }
        let selector: SeriesSelector
        do {
            selector = try SeriesSelector(request.selector)
        } catch {
            throw QueryError(.invalidArgument, "selector, \(error)")
        }
        guard let function = request.function.isEmpty ? .last : StepFunction(rawValue: request.function) else {
            let names = StepFunction.allCases.map(\.rawValue).joined(separator: ", ")
            throw QueryError(.invalidArgument, "there is no function '\(request.function)'; the functions are \(names)")
        }
        let query = SampleQuery(
            selector: selector, from: Timestamp(millis: request.fromMillis), to: Timestamp(millis: request.toMillis),
            step: request.stepMillis == 0 ? nil : .milliseconds(Int64(clamping: request.stepMillis)),
            function: function)
        do {
            let report = try await samples.query(query) { chunk in
                let view = SeriesView(
                    cluster: chunk.cluster, series: chunk.series, timestamps: chunk.timestamps, values: chunk.values)
                for part in view.protos { try await response.write(part) }
            }
            guard !report.gaps.isEmpty else { return }
            let gaps = report.gaps.map {
                SampleGapView(cluster: $0.cluster, node: $0.node, from: $0.from, to: $0.to, reason: $0.reason).proto
            }
            try await response.write(.with { $0.gaps = gaps })
        } catch let error as StoreError {
            switch error.code {
            case .invalid: throw QueryError(.invalidArgument, error.message)
            case .tooLarge: throw QueryError(.resourceExhausted, error.message)
            default: throw QueryError(.unavailable, error.message)
            }
        }
    }
}

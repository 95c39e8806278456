import GRPCCore
import QueryWire
import SQLiteFile
import SampleStore
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
        let selector: Selector
        do {
            selector = try Selector(request.selector)
        } catch {
            throw QueryError(.invalidArgument, "\(error)")
        }
        let query = SampleQuery(
            selector: selector, from: Timestamp(millis: request.fromMillis), to: Timestamp(millis: request.toMillis),
            step: request.stepMillis == 0 ? nil : .milliseconds(Int64(clamping: request.stepMillis)))
        do {
            _ = try await samples.query(query) { chunk in
                let view = SeriesView(series: chunk.series, timestamps: chunk.timestamps, values: chunk.values)
                for part in view.protos { try await response.write(part) }
            }
        } catch let error as StoreError {
            switch error.code {
            case .invalid: throw QueryError(.invalidArgument, error.message)
            case .tooLarge: throw QueryError(.resourceExhausted, error.message)
            default: throw QueryError(.unavailable, error.message)
            }
        }
    }
}

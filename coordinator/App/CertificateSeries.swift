import Foundation
import Logging
import SampleCodec
import SampleStore
import ServiceLifecycle
import Telemetry
import TocsinProto

/// Records when the coordinator's own certificates end, as a check of an endpoint does for others: the check of
/// certificates then looks after ours too.
struct CertificateSeries: Service {
    /// As in docs/series.md, "Checks".
    private static let metric = "probe_tls_certificate_expiry_seconds"

    /// The cluster under which the series stand; empty when the coordinator names none.
    let cluster: String
    let interval: Duration
    let keepers: [CertificateKeeper]
    let writer: StoreWriter
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        var generator = SystemRandomNumberGenerator()
        let session = StoreWriter.Session(
            agent: FleetRegistry.AgentKey(cluster: cluster, node: SessionKey.ownNode),
            id: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        await cancelWhenGracefulShutdown {
            var sequence: UInt64 = 0
            while !Task.isCancelled {
                // A sample that is not stored is followed by the next one: it is not tried again.
                sequence += 1
                self.record(sequence, of: session)
                try? await Task.sleep(for: self.interval)
            }
        }
    }

    private func record(_ sequence: UInt64, of session: StoreWriter.Session) {
        let moment = now()
        let samples = keepers.map { keeper in
            Sample(
                Series(Self.metric, [LabelName.target: "coordinator/\(keeper.callers)"]), moment,
                keeper.notValidAfter.timeIntervalSince1970)
        }
        var frame = Tocsin_V1_Frame()
        frame.sequence = sequence
        do {
            frame.payload = .sampleBlock(Data(try SampleBlockEncoder().encode(samples)))
        } catch {
            logger.error("the own certificates' series cannot be recorded", metadata: ["reason": "\(error)"])
            return
        }
        let content = DecodedFrame.samples(SampleBatch(samples))
        writer.submit(
            StoreWriter.Entry(
                session: session, stream: nil, frame: frame, content: content, timeRange: content.timeRange,
                chainStart: nil, definitions: nil, isBackfill: false, clockOffset: .zero, receivedAt: moment,
                completion: { _ in }))
    }
}

import NIOSSL
import Probing
import Telemetry

/// The agent's look at itself: what it uses, holds, found and lost, as series with the label `node`; and when its
/// certificate ends, as a check of an endpoint says it.
final class SelfProbe: Probe {
    let target: Target
    private let labels: LabelSet
    /// Nil when the agent shows a token.
    private let certificateFile: String?
    private let figures: @Sendable () async -> AgentFigures

    init(
        node: String, interval: Duration, certificateFile: String? = nil,
        figures: @escaping @Sendable () async -> AgentFigures
    ) {
        self.certificateFile = certificateFile
        labels = [LabelName.node: node]
        self.figures = figures
        target = Target(
            kind: .agent, name: node, address: "self", labels: [LabelName.node: node], interval: interval,
            deadline: min(interval, .seconds(5)))
    }

    func run(startedAt: Timestamp) async -> ProbeReport {
        var samples = await figures().all.map { Sample(Series($0.name, labels), startedAt, $0.value) }
        // A file that cannot be read now has no end to be told; the uplink says what is wrong with it.
        if let certificateFile, let end = try? NIOSSLCertificate.fromPEMFile(certificateFile).first?.notValidAfter {
            let series = Series(
                "probe_tls_certificate_expiry_seconds", labels.merging([LabelName.target: target.id]))
            samples.append(Sample(series, startedAt, Double(end)))
        }
        return ProbeReport(outcome: .success, samples: samples)
    }
}

import CellStore
import Detection
import GRPCCore
import QueryWire
import Signals
import SwiftProtobuf
import Telemetry
import TocsinProto

extension QueryService {
    func replayFindings(
        request: Tocsin_V1_ReplayFindingsRequest, response: RPCWriter<Tocsin_V1_ReplayFindingsResponse>,
        context: ServerContext
    ) async throws {
        // It takes a core for a while, and tells how thresholds of the caller's would do.
        _ = try user(context, .respond)
        try await replays.answer(request, inForce: pipeline.snapshot.thresholds, to: response)
    }
}

extension ReplayedFindingView {
    /// A finding as the query service shows it.
    init(_ finding: Finding) {
        self.init(
            cluster: finding.subject.cluster, subject: finding.subject.path, checkGroup: finding.checkGroup,
            family: finding.family.rawValue, title: finding.title,
            finding: FindingView(
                check: finding.check, phase: finding.phase.rawValue, at: finding.at, onsetAt: finding.onsetAt,
                value: finding.value, worstValue: finding.worstValue, threshold: finding.threshold,
                affected: finding.affected, total: finding.total, explanation: finding.explanation,
                contributors: finding.contributors.map(\.contributor)))
    }
}

extension ReplaySummaryView {
    /// What a replay read, with the gaps that touch its range or what was read before it.
    init(_ summary: CellReplay.Summary) {
        self.init()
        startedAt = summary.startedAt
        hasState = summary.hasState
        cells = UInt64(summary.cells)
        gaps = summary.gaps.map { Gap(from: $0.from, to: $0.to, cells: UInt64($0.cells), reason: $0.reason) }
        thresholdsChangedAt = summary.thresholdsChangedAt
    }
}

extension Finding {
    /// Whether a caller wants it.
    func isWanted(_ request: Tocsin_V1_ReplayFindingsRequest) -> Bool {
        (request.ongoing || phase != .ongoing) && (request.check.isEmpty || request.check == check)
            && (request.subject.isEmpty || subject.path == request.subject
                || subject.path.hasSuffix("/" + request.subject))
    }
}

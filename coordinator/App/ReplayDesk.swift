import CellStore
import ConfigurationKit
import CoordinatorSettings
import Detection
import GRPCCore
import QueryWire
import SQLiteFile
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// Answers what checks find in stored cells: one caller at a time, since a replay takes a core for as long as it lasts.
final class ReplayDesk: Sendable {
    /// Bytes of a thresholds file that a caller may bring.
    static let thresholdsBytesMax = 1 << 20
    /// Findings in one message.
    private static let messageFindingsMax = 500

    private let cells: CellParts
    private let step: Duration
    private let isTaken = Mutex(false)

    init(cells: CellParts, step: Duration) {
        self.cells = cells
        self.step = step
    }

    /// Streams the findings of a range.
    ///
    /// - Parameter inForce: judged by where the caller brings no thresholds.
    func answer(
        _ request: Tocsin_V1_ReplayFindingsRequest, inForce: ThresholdSettings,
        to response: RPCWriter<Tocsin_V1_ReplayFindingsResponse>
    ) async throws {
        guard request.fromMillis <= request.toMillis else {
            throw QueryError(.invalidArgument, "the range ends before it begins")
        }
        guard let store = cells.store else {
            throw QueryError(.unavailable, "the store of cells could not be opened; see the log")
        }
        let thresholds = request.thresholds.isEmpty ? inForce : try Self.decode(request.thresholds, step: step)
        let isFree = isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
        guard isFree else { throw QueryError(.resourceExhausted, "another replay is under way; try again after it") }
        defer { isTaken.withLock { $0 = false } }
        // Up to the last cell.
        await cells.recorder?.store(isLast: true)
        let replay = CellReplay(
            store,
            CellReplay.Request(
                from: Timestamp(millis: request.fromMillis), to: Timestamp(millis: request.toMillis),
                lead: max(thresholds.evidenceMax, step * 10), isOther: !request.thresholds.isEmpty
            ) { thresholds.checks(for: $0) })
        while let findings = try await Self.next(of: replay) {
            // Whoever has hung up wants no more of it.
            try Task.checkCancellation()
            let wanted = findings.filter { $0.isWanted(request) }.map { ReplayedFindingView($0).proto }
            for start in stride(from: 0, to: wanted.count, by: Self.messageFindingsMax) {
                let part = Array(wanted[start..<min(start + Self.messageFindingsMax, wanted.count)])
                try await response.write(.with { $0.findings = part })
            }
        }
        let summary = await replay.summary
        try await response.write(.with { $0.summary = ReplaySummaryView(summary).proto })
    }

    private static func next(of replay: CellReplay) async throws -> [Finding]? {
        do throws(StoreError) {
            return try await replay.next()
        } catch {
            throw QueryError(.unavailable, "the cells cannot be read: \(error)")
        }
    }

    private static func decode(_ text: String, step: Duration) throws -> ThresholdSettings {
        guard text.utf8.count <= thresholdsBytesMax else {
            throw QueryError(.invalidArgument, "the thresholds have more than \(thresholdsBytesMax) bytes")
        }
        do throws(ConfigurationError) {
            let source = ConfigurationSource(file: "thresholds", folder: "/", text: text)
            // No variables: what they hold is the coordinator's.
            return try ThresholdSettings.decode(source, step: step, environment: [:]).value
        } catch {
            throw QueryError(.invalidArgument, error.issues.map { "\($0)" }.joined(separator: "\n"))
        }
    }
}

import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// A finding of a replay as people see it.
package struct ReplayedFindingView: Hashable, Sendable {
    /// Cluster of its subject.
    package var cluster: String
    /// Path of its subject.
    package var subject: String
    /// Group that shares one incident per subject.
    package var checkGroup: String
    /// Family of its check.
    package var family: String
    /// Title of its check.
    package var title: String
    /// The verdict.
    package var finding: FindingView

    /// Makes a view.
    package init(
        cluster: String, subject: String, checkGroup: String, family: String, title: String, finding: FindingView
    ) {
        self.cluster = cluster
        self.subject = subject
        self.checkGroup = checkGroup
        self.family = family
        self.title = title
        self.finding = finding
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_ReplayedFinding) {
        self.init(
            cluster: proto.cluster, subject: proto.subject, checkGroup: proto.checkGroup, family: proto.family,
            title: proto.title, finding: FindingView(proto.finding))
    }

    /// The message.
    package var proto: Tocsin_V1_ReplayedFinding {
        .with {
            $0.cluster = cluster
            $0.subject = subject
            $0.checkGroup = checkGroup
            $0.family = family
            $0.title = title
            $0.finding = finding.proto
        }
    }
}

/// What a replay read, as people see it.
package struct ReplaySummaryView: Hashable, Sendable {
    /// A stretch of which not all cells are stored.
    package struct Gap: Hashable, Sendable {
        /// Start.
        package var from: Timestamp
        /// End.
        package var to: Timestamp
        /// How many; 0: not known.
        package var cells: UInt64
        /// Why.
        package var reason: String

        /// Makes a gap.
        package init(from: Timestamp, to: Timestamp, cells: UInt64, reason: String) {
            self.from = from
            self.to = to
            self.cells = cells
            self.reason = reason
        }
    }

    /// Where the cells that were read begin; nil when there were none.
    package var startedAt: Timestamp?
    /// Whether the detectors began with the state of the live ones.
    package var hasState = false
    /// Cells that the detectors were given.
    package var cells: UInt64 = 0
    /// What is missing.
    package var gaps: [Gap] = []
    /// When other thresholds were put in force in the live run.
    package var thresholdsChangedAt: [Timestamp] = []

    /// Makes a summary of nothing.
    package init() {}

    /// Reads the message.
    package init(_ proto: Tocsin_V1_ReplaySummary) {
        startedAt = proto.cells > 0 ? Timestamp(millis: proto.startedAtMillis) : nil
        hasState = proto.hasState_p
        cells = proto.cells
        gaps = proto.gaps.map {
            Gap(
                from: Timestamp(millis: $0.fromMillis), to: Timestamp(millis: $0.toMillis), cells: $0.cells,
                reason: $0.reason)
        }
        thresholdsChangedAt = proto.thresholdsChangedAtMillis.map { Timestamp(millis: $0) }
    }

    /// The message.
    package var proto: Tocsin_V1_ReplaySummary {
        .with {
            $0.startedAtMillis = startedAt?.millis ?? 0
            $0.hasState_p = hasState
            $0.cells = cells
            $0.gaps = gaps.map { gap in
                .with {
                    $0.fromMillis = gap.from.millis
                    $0.toMillis = gap.to.millis
                    $0.cells = gap.cells
                    $0.reason = gap.reason
                }
            }
            $0.thresholdsChangedAtMillis = thresholdsChangedAt.map(\.millis)
        }
    }
}

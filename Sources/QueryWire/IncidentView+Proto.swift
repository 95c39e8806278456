import SwiftProtobuf
import Telemetry
package import TocsinProto

extension IncidentView {
    /// Reads the message; empty text means that there is none.
    package init(_ proto: Tocsin_V1_Incident) {
        self.init(
            id: proto.id, title: proto.title, family: proto.family, checkGroup: proto.checkGroup,
            severity: proto.severity,
            state: proto.state, cluster: proto.cluster, subject: proto.subject,
            openedAt: Timestamp(millis: proto.openedAtMillis), detectedAt: Timestamp(millis: proto.detectedAtMillis),
            onsetAt: Timestamp(millis: proto.onsetAtMillis))
        acknowledgedAt = proto.hasAcknowledgedAtMillis ? Timestamp(millis: proto.acknowledgedAtMillis) : nil
        acknowledgedBy = proto.acknowledgedBy.nilWhenEmpty
        resolvedAt = proto.hasResolvedAtMillis ? Timestamp(millis: proto.resolvedAtMillis) : nil
        cause = proto.cause.nilWhenEmpty
        root = proto.root.nilWhenEmpty
        episode = Int(proto.episode)
        version = proto.version
        rootReasons = proto.rootReasons
        consequences = proto.consequences
        impacted = proto.impacted
        flaps = Int(proto.flaps)
        heldUntil = proto.hasHeldUntilMillis ? Timestamp(millis: proto.heldUntilMillis) : nil
        silencedBy = proto.silencedBy.nilWhenEmpty
        silencedUntil = proto.hasSilencedUntilMillis ? Timestamp(millis: proto.silencedUntilMillis) : nil
        findings = proto.findings.map(FindingView.init)
    }

    /// The message; counts out of its range are clamped.
    package var proto: Tocsin_V1_Incident {
        .with {
            $0.id = id
            $0.title = title
            $0.family = family
            $0.checkGroup = checkGroup
            $0.severity = severity
            $0.state = state
            $0.cluster = cluster
            $0.subject = subject
            $0.openedAtMillis = openedAt.millis
            $0.detectedAtMillis = detectedAt.millis
            $0.onsetAtMillis = onsetAt.millis
            if let acknowledgedAt { $0.acknowledgedAtMillis = acknowledgedAt.millis }
            $0.acknowledgedBy = acknowledgedBy ?? ""
            if let resolvedAt { $0.resolvedAtMillis = resolvedAt.millis }
            $0.cause = cause ?? ""
            $0.root = root ?? ""
            $0.episode = UInt32(clamping: episode)
            $0.version = version
            $0.rootReasons = rootReasons
            $0.consequences = consequences
            $0.impacted = impacted
            $0.flaps = UInt32(clamping: flaps)
            if let heldUntil { $0.heldUntilMillis = heldUntil.millis }
            $0.silencedBy = silencedBy ?? ""
            if let silencedUntil { $0.silencedUntilMillis = silencedUntil.millis }
            $0.findings = findings.map(\.proto)
        }
    }
}

extension FindingView {
    /// Reads the message.
    package init(_ proto: Tocsin_V1_IncidentFinding) {
        self.init(
            check: proto.check, phase: proto.phase, at: Timestamp(millis: proto.atMillis),
            onsetAt: Timestamp(millis: proto.onsetAtMillis), value: proto.value, worstValue: proto.worstValue,
            threshold: proto.threshold, affected: Int(proto.affected), total: Int(proto.total),
            explanation: proto.explanation,
            contributors: proto.contributors)
    }

    /// The message; counts out of its range are clamped.
    package var proto: Tocsin_V1_IncidentFinding {
        .with {
            $0.check = check
            $0.phase = phase
            $0.atMillis = at.millis
            $0.onsetAtMillis = onsetAt.millis
            $0.value = value
            $0.worstValue = worstValue
            $0.threshold = threshold
            $0.affected = UInt32(clamping: affected)
            $0.total = UInt32(clamping: total)
            $0.explanation = explanation
            $0.contributors = contributors
        }
    }
}

import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// One silence or maintenance window as people see it.
package struct SilenceView: Hashable, Sendable, Codable {
    /// Which incidents; empty patterns match all.
    package struct Matcher: Hashable, Sendable, Codable {
        /// Glob over the cluster.
        package var cluster = ""
        /// Glob over the subject's path.
        package var subject = ""
        /// Glob over the check group.
        package var checkGroup = ""
        /// A family's name.
        package var family = ""
        /// "P1" to "P4": worse incidents page all the same.
        package var severityAtMost = ""

        /// Makes a matcher of everything.
        package init() {}

        /// Reads the message.
        package init(_ proto: Tocsin_V1_SilenceMatcher) {
            cluster = proto.cluster
            subject = proto.subject
            checkGroup = proto.checkGroup
            family = proto.family
            severityAtMost = proto.severityAtMost
        }

        /// The message.
        package var proto: Tocsin_V1_SilenceMatcher {
            .with {
                $0.cluster = cluster
                $0.subject = subject
                $0.checkGroup = checkGroup
                $0.family = family
                $0.severityAtMost = severityAtMost
            }
        }
    }

    /// "SIL-3".
    package var id: String
    /// "silence" or "maintenance".
    package var kind: String
    /// Which incidents.
    package var matcher: Matcher
    /// Who made it.
    package var author: String
    /// Why.
    package var reason: String
    /// When it was made.
    package var createdAt: Timestamp
    /// From when.
    package var startsAt: Timestamp
    /// Until when.
    package var endsAt: Timestamp
    /// Who ended it before its time.
    package var expiredBy: String?

    /// Makes a silence that nobody has ended.
    package init(
        id: String, kind: String, matcher: Matcher, author: String, reason: String, createdAt: Timestamp,
        startsAt: Timestamp, endsAt: Timestamp
    ) {
        self.id = id
        self.kind = kind
        self.matcher = matcher
        self.author = author
        self.reason = reason
        self.createdAt = createdAt
        self.startsAt = startsAt
        self.endsAt = endsAt
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_Silence) {
        self.init(
            id: proto.id, kind: proto.kind, matcher: Matcher(proto.matcher), author: proto.author,
            reason: proto.reason, createdAt: Timestamp(millis: proto.createdAtMillis),
            startsAt: Timestamp(millis: proto.startsAtMillis), endsAt: Timestamp(millis: proto.endsAtMillis))
        expiredBy = proto.expiredBy.nilWhenEmpty
    }

    /// The message.
    package var proto: Tocsin_V1_Silence {
        .with {
            $0.id = id
            $0.kind = kind
            $0.matcher = matcher.proto
            $0.author = author
            $0.reason = reason
            $0.createdAtMillis = createdAt.millis
            $0.startsAtMillis = startsAt.millis
            $0.endsAtMillis = endsAt.millis
            $0.expiredBy = expiredBy ?? ""
        }
    }

    /// "planned", "active" or "over" at a time.
    package func state(at time: Timestamp) -> String {
        time < startsAt ? "planned" : (time < endsAt ? "active" : "over")
    }
}

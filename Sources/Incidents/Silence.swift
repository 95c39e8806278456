package import Detection
package import Telemetry

/// Name of a silence, printed as `SIL-3`.
///
/// Numbers rise and are never used twice.
package struct SilenceID: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number, from 1 on.
    package var rawValue: Int

    /// Makes the name of a number.
    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Reads `SIL-3`, `sil-3` or `3`; nil for anything else, zero included.
    package init?(_ text: String) {
        guard let number = NumberedName.number(of: text, prefix: "sil-") else { return nil }
        self.init(rawValue: number)
    }

    /// Reads the bare number; throws `DecodingError` for anything else.
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int.self)
    }

    /// Writes the bare number.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// As people write it: `SIL-7`.
    package var description: String { "SIL-\(rawValue)" }

    /// Ascending by number: the older one first.
    package static func < (lhs: SilenceID, rhs: SilenceID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Which incidents a silence is about: those that meet all of its patterns.
package struct SilenceMatcher: Hashable, Sendable, Codable {
    /// Glob (`*`, `?`) over the cluster; nil: any.
    package var cluster: String?
    /// Glob over the subject's path, such as `shop/*` or `postgresql/orders`; nil: any.
    package var subject: String?
    /// Glob over the check group; nil: any.
    package var checkGroup: String?
    /// Family; nil: any.
    package var family: Family?
    /// The worst level that is still silenced; nil: all levels.
    package var severityAtMost: Severity?

    /// Makes a matcher of everything.
    package init() {}

    /// Whether nothing narrows it.
    package var matchesEverything: Bool { self == SilenceMatcher() }

    /// Whether an incident meets all patterns, at its present level.
    package func matches(_ incident: Incident) -> Bool {
        if let cluster, !Glob.matches(cluster, incident.subject.cluster) { return false }
        if let subject, !Glob.matches(subject, incident.subject.path) { return false }
        if let checkGroup, !Glob.matches(checkGroup, incident.checkGroup) { return false }
        if let family, family != incident.family { return false }
        if let severityAtMost, incident.severity > severityAtMost { return false }
        return true
    }
}

/// A time in which matching incidents page nobody: their history goes on.
package struct Silence: Hashable, Sendable, Codable {
    /// Why there is one.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// Somebody wants quiet from now on.
        case silence
        /// Work that was planned.
        case maintenance
    }

    /// Id, such as `SIL-3`.
    package var id: SilenceID
    /// Why there is one.
    package var kind: Kind
    /// Which incidents.
    package var matcher: SilenceMatcher
    /// Who made it.
    package var author: String
    /// The reason that the author gave.
    package var reason: String
    /// When it was made.
    package var createdAt: Timestamp
    /// From when.
    package var startsAt: Timestamp
    /// Until when, that moment left out; earlier than planned when it was ended by hand.
    package var endsAt: Timestamp
    /// Who ended it by hand; nil when nobody did.
    package var expiredBy: String?

    /// What somebody asks for.
    package struct Request: Hashable, Sendable {
        /// Why there is to be one.
        package var kind: Kind
        /// Which incidents.
        package var matcher: SilenceMatcher
        /// Who asks.
        package var author: String
        /// The reason.
        package var reason: String
        /// From when.
        package var startsAt: Timestamp
        /// Until when.
        package var endsAt: Timestamp

        /// Asks for a silence.
        package init(
            _ kind: Kind = .silence, _ matcher: SilenceMatcher, by author: String, because reason: String,
            startsAt: Timestamp, endsAt: Timestamp
        ) {
            self.kind = kind
            self.matcher = matcher
            self.author = author
            self.reason = reason
            self.startsAt = startsAt
            self.endsAt = endsAt
        }
    }

    /// Makes the silence that was asked for.
    package init(id: SilenceID, _ request: Request, createdAt: Timestamp) {
        self.id = id
        self.createdAt = createdAt
        kind = request.kind
        matcher = request.matcher
        author = request.author
        reason = request.reason
        startsAt = request.startsAt
        endsAt = request.endsAt
    }

    /// Whether its time is now.
    package func isActive(at time: Timestamp) -> Bool { startsAt <= time && time < endsAt }

    /// Whether it hides the pages of an incident at a time.
    package func covers(_ incident: Incident, at time: Timestamp) -> Bool {
        isActive(at: time) && matcher.matches(incident)
    }
}

/// What a person asks of silences.
package enum SilenceCommand: Hashable, Sendable {
    /// Make one.
    case add(Silence.Request)
    /// End one now.
    case expire(SilenceID, by: String)

    /// Longest silence: nobody remembers after a year why it is there.
    package static let durationMax: Duration = .seconds(366 * 86_400)
    /// Longest pattern in characters.
    package static let patternCharactersMax = 256

    /// Refuses bad texts, endless or backward periods, and a matcher of everything.
    func validate() throws(IncidentError) {
        switch self {
        case .expire(_, let author):
            try PersonText.check("author", author, charactersMax: IncidentCommand.authorCharactersMax, multiline: false)
        case .add(let request):
            let matcher = request.matcher
            try PersonText.check(
                "author", request.author, charactersMax: IncidentCommand.authorCharactersMax, multiline: false)
            try PersonText.check(
                "reason", request.reason, charactersMax: IncidentCommand.textCharactersMax, multiline: true)
            for pattern in [matcher.cluster, matcher.subject, matcher.checkGroup].compactMap({ $0 }) {
                try PersonText.check("pattern", pattern, charactersMax: Self.patternCharactersMax, multiline: false)
            }
            if matcher.matchesEverything {
                throw IncidentError(
                    .invalidText, "a silence needs a pattern; subject=* is the one that silences everything")
            }
            guard request.startsAt < request.endsAt else {
                throw IncidentError(.invalidText, "the silence ends before it starts")
            }
            guard request.endsAt - request.startsAt <= Self.durationMax else {
                throw IncidentError(.invalidText, "a silence lasts a year at most")
            }
        }
    }
}

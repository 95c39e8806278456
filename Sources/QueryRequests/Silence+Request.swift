import Detection
package import Incidents
package import QueryWire
package import Telemetry
package import TocsinProto

extension Silence.Request {
    /// What a caller asks for; throws `.invalidArgument` for a kind, a family or a severity that is none.
    ///
    /// - Parameter now: from when, unless the caller says.
    package init(
        _ proto: Tocsin_V1_AddSilenceRequest, by author: String, now: Timestamp
    ) throws(QueryError) {
        let starts = proto.hasStartsAtMillis ? Timestamp(millis: proto.startsAtMillis) : now
        self.init(
            try Silence.Kind(asked: proto.kind), try SilenceMatcher(proto.matcher), by: author, because: proto.reason,
            startsAt: starts, endsAt: starts + .milliseconds(Int64(clamping: proto.durationMillis)))
    }
}

extension Silence.Kind {
    /// The kind of a name; throws `.invalidArgument` for another word.
    package init(asked text: String) throws(QueryError) {
        guard let kind = Silence.Kind(rawValue: text) else {
            throw QueryError(.invalidArgument, "'\(text)' is neither silence nor maintenance")
        }
        self = kind
    }
}

extension SilenceCommand {
    /// The end of a silence; throws `.invalidArgument` when the id is none.
    package init(_ proto: Tocsin_V1_ExpireSilenceRequest, by author: String) throws(QueryError) {
        guard let id = SilenceID(proto.id) else {
            throw QueryError(.invalidArgument, "'\(proto.id)' is no silence id; ids look like SIL-3")
        }
        self = .expire(id, by: author)
    }
}

extension SilenceMatcher {
    /// Which incidents are meant; throws `.invalidArgument` for a family or a severity that is none.
    package init(_ proto: Tocsin_V1_SilenceMatcher) throws(QueryError) {
        self.init()
        cluster = proto.cluster.isEmpty ? nil : proto.cluster
        subject = proto.subject.isEmpty ? nil : proto.subject
        checkGroup = proto.checkGroup.isEmpty ? nil : proto.checkGroup
        if !proto.family.isEmpty {
            guard let family = Family(rawValue: proto.family) else {
                let names = Family.allCases.map(\.rawValue).joined(separator: ", ")
                throw QueryError(.invalidArgument, "there is no family '\(proto.family)'; the families are \(names)")
            }
            self.family = family
        }
        if !proto.severityAtMost.isEmpty {
            guard let severity = Severity(proto.severityAtMost) else {
                throw QueryError(.invalidArgument, "'\(proto.severityAtMost)' is no severity; they are P1 to P4")
            }
            severityAtMost = severity
        }
    }
}

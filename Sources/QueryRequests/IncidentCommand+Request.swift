package import Incidents
package import QueryWire
package import TocsinProto

extension IncidentID {
    /// The id that a caller wrote; throws `.invalidArgument` when it is none.
    package init(asked text: String) throws(QueryError) {
        guard let id = IncidentID(text) else {
            throw QueryError(.invalidArgument, "'\(text)' is no incident id; ids look like INC-7")
        }
        self = id
    }
}

extension IncidentCommand {
    /// Throws `.invalidArgument` when the id is none.
    package init(_ proto: Tocsin_V1_AcknowledgeIncidentRequest, by author: String) throws(QueryError) {
        self = .acknowledge(try IncidentID(asked: proto.id), by: author)
    }

    /// Throws `.invalidArgument` when the id is none.
    package init(_ proto: Tocsin_V1_NoteIncidentRequest, by author: String) throws(QueryError) {
        self = .note(try IncidentID(asked: proto.id), by: author, text: proto.text)
    }

    /// Throws `.invalidArgument` when the id or the state is none.
    package init(_ proto: Tocsin_V1_SetIncidentStateRequest, by author: String) throws(QueryError) {
        guard let state = IncidentState(rawValue: proto.state) else {
            let names = IncidentState.allCases.map(\.rawValue).joined(separator: ", ")
            throw QueryError(.invalidArgument, "there is no state '\(proto.state)'; the states are \(names)")
        }
        self = .setState(try IncidentID(asked: proto.id), to: state, by: author)
    }

    /// Throws `.invalidArgument` when the id is none.
    package init(_ proto: Tocsin_V1_ResolveIncidentRequest, by author: String) throws(QueryError) {
        self = .resolve(try IncidentID(asked: proto.id), by: author, cause: proto.cause)
    }
}

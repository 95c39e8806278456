package import Telemetry

/// What a person asks of an incident.
package enum IncidentCommand: Hashable, Sendable {
    /// Take it: detected becomes investigating.
    case acknowledge(IncidentID, by: String)
    /// Add a sentence to the timeline; also after the end.
    case note(IncidentID, by: String, text: String)
    /// Move it along `IncidentState`'s table.
    case setState(IncidentID, to: IncidentState, by: String)
    /// End it, with the cause for the record.
    case resolve(IncidentID, by: String, cause: String)
    /// Tell stakeholders or customers; also after the end.
    case sendMessage(IncidentID, by: String, kind: SentMessage.Kind, text: String, nextUpdateAt: Timestamp?)

    /// The incident it is about.
    package var incident: IncidentID {
        switch self {
        case .acknowledge(let id, _), .note(let id, _, _), .setState(let id, _, _), .resolve(let id, _, _),
            .sendMessage(let id, _, _, _, _):
            id
        }
    }

    /// Longest author, in characters.
    package static let authorCharactersMax = 128
    /// Longest note or cause, in characters.
    package static let textCharactersMax = 4096
    /// Longest post-incident report, in characters.
    package static let reportCharactersMax = 65_536

    /// Refuses empty and overlong texts, and control characters: they end up on terminals.
    func validate() throws(IncidentError) {
        switch self {
        case .acknowledge(_, let author), .setState(_, _, let author):
            try PersonText.check("author", author, charactersMax: Self.authorCharactersMax, multiline: false)
        case .note(_, let author, let text):
            try PersonText.check("author", author, charactersMax: Self.authorCharactersMax, multiline: false)
            try PersonText.check("note", text, charactersMax: Self.textCharactersMax, multiline: true)
        case .resolve(_, let author, let cause):
            try PersonText.check("author", author, charactersMax: Self.authorCharactersMax, multiline: false)
            try PersonText.check("cause", cause, charactersMax: Self.textCharactersMax, multiline: true)
        case .sendMessage(_, let author, let kind, let text, _):
            let longest = kind == .report ? Self.reportCharactersMax : Self.textCharactersMax
            try PersonText.check("author", author, charactersMax: Self.authorCharactersMax, multiline: false)
            try PersonText.check("message", text, charactersMax: longest, multiline: true)
        }
    }
}

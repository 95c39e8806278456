/// Texts that people write: they end up on terminals and in messages.
enum PersonText {
    /// Refuses empty and overlong texts, and control characters.
    static func check(
        _ name: String, _ text: String, charactersMax: Int, multiline: Bool
    ) throws(IncidentError) {
        if text.allSatisfy(\.isWhitespace) {
            throw IncidentError(.invalidText, "the \(name) is empty")
        }
        // Bytes first: counting characters of a huge text is the cost that the limit is to avoid.
        if text.utf8.count > charactersMax * 4 || text.count > charactersMax {
            throw IncidentError(.invalidText, "the \(name) is longer than \(charactersMax) characters")
        }
        let isControl = { (scalar: Unicode.Scalar) in
            scalar.properties.generalCategory == .control && !(multiline && (scalar == "\n" || scalar == "\t"))
        }
        if text.unicodeScalars.contains(where: isControl) {
            throw IncidentError(.invalidText, "the \(name) holds control characters")
        }
    }
}

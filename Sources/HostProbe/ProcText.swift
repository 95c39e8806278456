/// Line and word reading that the parsers of `/proc` share.
///
/// A line that is not understood is passed over, never fatal.
enum ProcText {
    static func lines(_ text: String) -> [Substring] {
        text.split(separator: "\n")
    }

    static func words(_ line: Substring) -> [Substring] {
        line.split { $0 == " " || $0 == "\t" }
    }

    /// `name value` lines, as in `/proc/vmstat`.
    static func pairs(_ text: String, wanted: Set<String>) -> [String: Double] {
        var values: [String: Double] = [:]
        for line in lines(text) {
            let words = words(line)
            guard words.count == 2, wanted.contains(String(words[0])), let value = Double(words[1]) else { continue }
            values[String(words[0])] = value
        }
        return values
    }
}

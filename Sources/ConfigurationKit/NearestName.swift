/// Finds what someone who wrote a name most likely meant.
package enum NearestName {
    /// The candidate with the fewest edits to `name`, ignoring case; nil when none is within a third of its length
    /// (at least 1, at most 3 edits).
    ///
    /// Of equals the first wins.
    package static func of(_ name: String, among candidates: [String]) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars.prefix(64))
        let allowed = min(3, max(1, wanted.count / 3))
        var best: (candidate: String, distance: Int)?
        for candidate in candidates where candidate != name {
            let distance = distance(wanted, Array(candidate.lowercased().unicodeScalars.prefix(64)))
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// Edits (insert, delete, replace, swap of neighbours) that turn one into the other: the restricted
    /// Damerau-Levenshtein distance (Navarro, "A guided tour to approximate string matching", 2001, section 2).
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column] + (scalar == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, scalar == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}

/// A pattern over names: `*` stands for any run of characters (also none, also slashes), `?` for exactly one.
package struct Glob: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as written.
    package let pattern: String
    private let scalars: [Unicode.Scalar]

    /// Makes a pattern.
    package init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    package var description: String { pattern }

    /// Whether the whole of `name` fits.
    ///
    /// Takes time proportional to the product of both lengths at worst.
    package func matches(_ name: String) -> Bool {
        let text = Array(name.unicodeScalars)
        var position = 0
        var index = 0
        var retry: (index: Int, position: Int)?
        while position < text.count {
            if index < scalars.count, scalars[index] == "*" {
                retry = (index + 1, position)
                index += 1
            } else if index < scalars.count, scalars[index] == "?" || scalars[index] == text[position] {
                index += 1
                position += 1
            } else if let back = retry {
                retry = (back.index, back.position + 1)
                index = back.index
                position = back.position + 1
            } else {
                return false
            }
        }
        return scalars[index...].allSatisfy { $0 == "*" }
    }

    /// Whether some name fits both patterns.
    package func overlaps(_ other: Glob) -> Bool {
        // Row i holds for which positions of the other pattern the rests of both have a name in common.
        var row = [Bool](repeating: false, count: other.scalars.count + 1)
        for index in stride(from: scalars.count, through: 0, by: -1) {
            let below = row
            for place in stride(from: other.scalars.count, through: 0, by: -1) {
                let mine = index < scalars.count ? scalars[index] : nil
                let theirs = place < other.scalars.count ? other.scalars[place] : nil
                switch (mine, theirs) {
                case (nil, nil): row[place] = true
                case ("*", _): row[place] = below[place] || (theirs != nil && row[place + 1])
                case (_, "*"): row[place] = row[place + 1] || (mine != nil && below[place])
                case (let mine?, let theirs?):
                    row[place] = (mine == theirs || mine == "?" || theirs == "?") && below[place + 1]
                default: row[place] = false
                }
            }
        }
        return row[0]
    }

    /// How narrow the pattern is: literal characters first, then fewer stars.
    ///
    /// Greater is narrower.
    package var specificity: Specificity {
        let stars = scalars.count { $0 == "*" }
        let single = scalars.count { $0 == "?" }
        return Specificity(literals: scalars.count - stars - single, stars: stars)
    }

    /// Order of patterns by how much they say.
    package struct Specificity: Hashable, Comparable, Sendable {
        let literals: Int
        let stars: Int

        package static func < (lhs: Specificity, rhs: Specificity) -> Bool {
            (lhs.literals, -lhs.stars) < (rhs.literals, -rhs.stars)
        }
    }
}

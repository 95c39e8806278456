/// A place in a configuration file.
package struct Origin: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The file as it was named by whoever asked for it.
    package var file: String
    /// Line, from 1.
    package var line: Int
    /// Column in Unicode scalars, from 1.
    package var column: Int

    /// Makes a place.
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `FILE:LINE:COLUMN`, the form that editors and terminals can jump to.
    package var description: String { "\(file):\(line):\(column)" }

    /// `FILE:LINE`, for ledgers and for `config show`.
    package var fileAndLine: String { "\(file):\(line)" }

    package static func < (lhs: Origin, rhs: Origin) -> Bool {
        (lhs.file, lhs.line, lhs.column) < (rhs.file, rhs.line, rhs.column)
    }
}

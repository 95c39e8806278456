/// Sizes as they are written in configuration files: `64KiB`, `256MiB`, `10MB`.
package enum SizeText {
    private static let units: [(suffix: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("kB", 1000), ("B", 1),
    ]

    /// Reads a whole number with a unit; the binary units end in `iB`.
    ///
    /// At most 1024 TiB.
    package static func parse(_ text: String) throws(ValueProblem) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        let suffix = String(text.dropFirst(digits.count))
        guard let number = Int(digits) else {
            throw ValueProblem("a size is a whole number with a unit, such as 64KiB, 256MiB or 10MB")
        }
        guard let unit = units.first(where: { $0.suffix == suffix }) else {
            if suffix.isEmpty {
                throw ValueProblem(
                    "a size needs a unit (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)", suggestion: "\(digits)MiB")
            }
            let initial = suffix.drop { $0 == " " }.prefix(1).uppercased()
            let meant = units.first { $0.suffix == initial + "iB" }.map { "\(digits)\($0.suffix)" }
            throw ValueProblem(
                "'\(suffix)' is no unit of size (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)", suggestion: meant)
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow, bytes <= 1 << 50 else { throw ValueProblem("a size of more than 1024TiB") }
        return bytes
    }

    /// Writes a size with the greatest unit that divides it, binary units first.
    package static func format(_ bytes: Int) -> String {
        guard bytes > 0, let unit = units.first(where: { bytes % $0.bytes == 0 && bytes >= $0.bytes }) else {
            return "\(bytes)B"
        }
        return "\(bytes / unit.bytes)\(unit.suffix)"
    }
}

/// Ratios as they are written in configuration files: `5%` or `0.05`.
package enum RatioText {
    /// Reads a percentage or a plain fraction; a plain number above 1 is refused, since `5` would mean 500 %.
    package static func parse(_ text: String) throws(ValueProblem) -> Double {
        if text.hasSuffix("%") {
            let number = text.dropLast().trimmingSpaces()
            guard let percent = NumberText.value(number) else { throw malformed }
            return percent / 100
        }
        guard let value = NumberText.value(text) else { throw malformed }
        guard value <= 1 else {
            let number = NumberText.format(value)
            throw ValueProblem("\(number) would mean \(NumberText.format(value * 100)) %; write \(number)%")
        }
        return value
    }

    private static let malformed = ValueProblem("a ratio is a percentage or a fraction, such as 5% or 0.05")

    /// Writes a ratio as a percentage: `2.5%`.
    package static func format(_ ratio: Double) -> String {
        NumberText.format((ratio * 1e12).rounded() / 1e10) + "%"
    }
}

/// Plain numbers as they are written in configuration files.
package enum NumberText {
    /// Reads a finite decimal number with optional sign, fraction and exponent; nil for anything else, such as `0x10`
    /// or `inf`.
    package static func value(_ text: some StringProtocol) -> Double? {
        let allowed = "0123456789.-+eE"
        guard let first = text.first, first.isASCII, first.isWholeNumber || first == "-" || first == ".",
            text.allSatisfy(allowed.contains), let value = Double(String(text)), value.isFinite
        else { return nil }
        return value
    }

    /// Writes a number without a needless fraction: `5`, `0.5`.
    package static func format(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : String(value)
    }
}

extension StringProtocol {
    fileprivate func trimmingSpaces() -> String {
        var text = String(self)
        while text.hasSuffix(" ") { text.removeLast() }
        while text.hasPrefix(" ") { text.removeFirst() }
        return text
    }
}

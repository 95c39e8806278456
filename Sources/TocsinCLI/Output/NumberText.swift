/// Numbers as tables show them.
enum NumberText {
    /// Four significant digits, large and small ones with a power of ten.
    static func value(_ value: Double) -> String {
        if value.isNaN { return "-" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value == 0 { return "0" }
        if value == value.rounded(), abs(value) < 1e7 { return String(Int64(value)) }
        let magnitude = abs(value)
        guard magnitude >= 1e-3, magnitude < 1e7 else { return scientific(value) }
        let decimals = magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : magnitude >= 1 ? 3 : 4
        return trimmed(fixed(value, decimals: decimals))
    }

    /// `512 B`, `3.4 MiB`.
    static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if value < 1024 || unit == "TiB" {
                return unit == "B" ? "\(count) B" : "\(fixed(value, decimals: value < 100 ? 1 : 0)) \(unit)"
            }
            value /= 1024
        }
        return "\(count) B"
    }

    /// `1234567` as `1,234,567`.
    static func count(_ count: UInt64) -> String {
        let digits = Array(String(count))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    private static func fixed(_ value: Double, decimals: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((abs(value) * Double(scale)).rounded())
        let sign = value < 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(scaled)" }
        return "\(sign)\(scaled / scale).\(TimeText.pad(scaled % scale, decimals))"
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var trimmed = text[...]
        while trimmed.last == "0" { trimmed = trimmed.dropLast() }
        return String(trimmed.last == "." ? trimmed.dropLast() : trimmed)
    }

    private static func scientific(_ value: Double) -> String {
        var mantissa = abs(value)
        var exponent = 0
        while mantissa >= 9.9995 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 0.99995 {
            mantissa *= 10
            exponent -= 1
        }
        return "\(value < 0 ? "-" : "")\(trimmed(fixed(mantissa, decimals: 3)))e\(exponent)"
    }
}

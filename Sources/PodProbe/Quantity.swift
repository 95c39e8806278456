/// Kubernetes resource quantities, such as `512Mi`, `1.5G`, `250m` or `12e6`.
///
/// The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: a signed decimal number, then a binary suffix, a
/// decimal suffix or a decimal exponent.
enum Quantity {
    /// Longest text that is looked at.
    static let lengthMax = 64

    private static let multipliers: [String: Double] = [
        "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
        "Ki": 1024, "Mi": 1_048_576, "Gi": 1_073_741_824, "Ti": 1_099_511_627_776,
        "Pi": 1_125_899_906_842_624, "Ei": 1_152_921_504_606_846_976,
    ]
    private static let divisors: [String: Double] = ["m": 1e3, "u": 1e6, "n": 1e9]

    /// The quantity in its base unit, or nil when `text` is none.
    static func parse(_ text: String) -> Double? {
        guard !text.isEmpty, text.utf8.count <= lengthMax else { return nil }
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "+" || $0 == "-") }
        let suffix = text[number.endIndex...]
        guard let value = Double(number), number.contains(where: \.isNumber) else { return nil }
        if let multiplier = multipliers[String(suffix)] { return value * multiplier }
        if let divisor = divisors[String(suffix)] { return value / divisor }
        guard let first = suffix.first, first == "e" || first == "E", let exponent = Int(suffix.dropFirst()) else {
            return nil
        }
        guard let scaled = Double("\(number)e\(exponent)"), scaled.isFinite else { return nil }
        return scaled
    }
}

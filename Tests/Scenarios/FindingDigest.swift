package import Detection
import Telemetry

/// A checksum of findings with all that they say, so that two builds can be compared: equal sums, equal findings.
///
/// FNV-1a over 64 bits, which is the same on every run, unlike `Hasher`.
package struct FindingDigest: Sendable, CustomStringConvertible {
    private var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Findings taken, of every phase.
    package private(set) var count = 0

    /// Makes the checksum of no findings.
    package init() {}

    /// Takes findings in their order.
    package mutating func take(_ findings: [Finding]) {
        for finding in findings {
            count += 1
            add("\(finding.subject) \(finding.check) \(finding.phase) \(finding.at.millis) \(finding.onsetAt.millis)")
            add("\(finding.value) \(finding.worstValue) \(finding.threshold) \(finding.volume) \(finding.affected)")
            add("\(finding.total) \(finding.coverage) \(finding.contributors) \(finding.explanation)")
        }
    }

    private mutating func add(_ text: String) {
        for byte in text.utf8 { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// The count and the sum in hexadecimal digits.
    package var description: String { "\(count) findings, \(String(sum, radix: 16))" }
}

package import Detection
import Foundation
import SampleCodec

/// The state of a detector bank as the store holds it: JSON, a subject a line, deflated.
///
/// The row's checksum is what it is believed by; a form that is not known is no state.
package enum DetectorImage {
    /// What a bank came to.
    package struct Made: Sendable {
        /// The bytes.
        package var body: [UInt8]
        /// Subjects in it.
        package var subjects = 0
        /// Subjects that found no room, or that cannot be written; a replay knows nothing of their past.
        package var leftOut = 0
    }

    private static let version: UInt8 = 1
    private static let isDeflated: UInt8 = 1
    private static let headBytes = 6
    /// Of the lines; about 25 KB a workload.
    package static let linesBytesMax = 64 << 20

    private static let infinities = (positive: "inf", negative: "-inf", nan: "nan")

    /// Writes the state of a bank.
    ///
    /// - Parameter bytesMax: subjects beyond it are left out, in the order of subjects.
    package static func encode(_ bank: DetectorBank, bytesMax: Int = linesBytesMax) -> Made {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: infinities.positive, negativeInfinity: infinities.negative, nan: infinities.nan)
        var made = Made(body: [])
        var lines: [UInt8] = []
        for part in bank.snapshot.parts {
            guard let line = try? encoder.encode(part), lines.count + line.count < bytesMax else {
                made.leftOut += 1
                continue
            }
            lines += line
            lines.append(UInt8(ascii: "\n"))
            made.subjects += 1
        }
        let deflated = Deflate.compress(lines)
        let size = UInt32(lines.count)
        made.body =
            [version, deflated == nil ? 0 : isDeflated] + (0..<4).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
        made.body += deflated ?? lines
        return made
    }

    /// Reads a state; nil for bytes that are none, or of a form that this version does not know.
    package static func decode(_ body: [UInt8], bytesMax: Int = linesBytesMax) -> DetectorBank.Snapshot? {
        guard body.count >= headBytes, body[0] == version, body[1] <= isDeflated else { return nil }
        let size = (2..<headBytes).reversed().reduce(0) { $0 << 8 | Int(body[$1]) }
        let rest = Array(body[headBytes...])
        guard size <= bytesMax else { return nil }
        var lines = rest
        if body[1] == isDeflated {
            guard size <= Deflate.largestInflation(of: rest.count),
                let inflated = rest.withUnsafeBufferPointer({ try? Deflate.decompress($0, size: size) })
            else { return nil }
            lines = inflated
        }
        guard lines.count == size else { return nil }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: infinities.positive, negativeInfinity: infinities.negative, nan: infinities.nan)
        do {
            let parts = try Data(lines).split(separator: UInt8(ascii: "\n")).map {
                try decoder.decode(DetectorBank.Snapshot.self, from: $0)
            }
            return DetectorBank.Snapshot(joining: parts)
        } catch {
            return nil
        }
    }
}

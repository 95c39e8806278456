import Foundation
import Telemetry

/// A series as the catalogue keeps it.
struct SeriesIdentity: Hashable, Sendable {
    let metric: String
    /// Names and values of the labels, one after another, between bytes that UTF-8 never holds.
    let labels: Data
    private static let separator: UInt8 = 0xff

    init(_ series: Series) {
        metric = series.metric
        // An array: to append to `Data` costs ten times as much.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(series.labels.labels.count * 32)
        for label in series.labels.labels {
            if !bytes.isEmpty { bytes.append(Self.separator) }
            bytes.append(contentsOf: label.name.utf8)
            bytes.append(Self.separator)
            bytes.append(contentsOf: label.value.utf8)
        }
        labels = Data(bytes)
    }

    /// The bytes that labels hold, perhaps among others, when one has this value; nil for a value that is not there.
    static func part(name: String, value: String) -> Data? {
        value.isEmpty ? nil : Data(name.utf8) + [separator] + Data(value.utf8)
    }

    /// FNV-1a over metric and labels: what memory knows a series by.
    static func hash(_ series: Series) -> Int64 { hash(series.forEachString) }

    /// The same of a series that is not made.
    ///
    /// - Parameter forEachString: calls a function with the metric, then with name and value of each label.
    static func hash(_ forEachString: ((String) -> Void) -> Void) -> Int64 {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        forEachString { text in
            for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
            state = (state ^ UInt64(separator)) &* 0x100_0000_01b3
        }
        return Int64(bitPattern: state)
    }

    /// The series of a row.
    static func series(metric: String, labels: Data) -> Series {
        let parts = labels.split(separator: separator, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let pairs = stride(from: 0, to: parts.count - 1, by: 2).map { Label(parts[$0], parts[$0 + 1]) }
        return Series(metric, LabelSet(pairs))
    }
}

package import Telemetry

/// A tolerant reader of the Prometheus text format 0.0.4.
///
/// Comments and lines it cannot read are passed over and counted; series of names nobody asked for cost nothing but the
/// scan. Time stamps and exemplars behind the value are ignored.
package struct PrometheusText: Sendable {
    /// One line.
    package struct Line: Sendable, Hashable {
        /// Metric name.
        package var name: String
        /// Labels as written.
        package var labels: LabelSet
        /// Value; NaN and infinities are possible.
        package var value: Double
    }

    /// Lines of the wanted names, in order.
    package private(set) var lines: [Line] = []
    /// Lines that could not be read.
    package private(set) var malformedCount = 0
    /// Wanted lines left out, since there were more than `linesMax`.
    package private(set) var droppedCount = 0
    /// Whether any readable line was seen, wanted or not: tells an exposition from another text.
    package private(set) var hasSamples = false

    /// Bound of the labels of one line; a line with more is malformed.
    package static let labelsMax = 64

    /// Reads a text; keeps at most `linesMax` lines whose name `isWanted`.
    package init(_ text: [UInt8], linesMax: Int = 20_000, isWanted: (String) -> Bool) {
        var lines: [Line] = []
        var dropped = 0
        self.init(text, isWanted: isWanted) { line in
            guard lines.count < linesMax else {
                dropped += 1
                return
            }
            lines.append(line)
        }
        self.lines = lines
        droppedCount = dropped
    }

    /// Reads a text and gives each line whose name `isWanted` away at once, so that a text of many lines need not be
    /// held; `lines` stays empty.
    package init(_ text: [UInt8], isWanted: (String) -> Bool, take: (Line) -> Void) {
        var wanted: [ArraySlice<UInt8>: Bool] = [:]
        for line in text.split(separator: 10, omittingEmptySubsequences: true) {
            let line = line.last == 13 ? line.dropLast() : line
            guard let first = line.first(where: { $0 != 32 && $0 != 9 }), first != 35 else { continue }
            var scanner = LineScanner(line)
            guard let name = scanner.name() else {
                malformedCount += 1
                continue
            }
            let keep: Bool
            if let known = wanted[name] {
                keep = known
            } else {
                keep = isWanted(String(decoding: name, as: UTF8.self))
                // Names are few; a text made of ever new names must not grow this without bound.
                if wanted.count < 10_000 { wanted[name] = keep }
            }
            guard keep else {
                hasSamples = true
                continue
            }
            guard let labels = scanner.labels(), let value = scanner.value() else {
                malformedCount += 1
                continue
            }
            hasSamples = true
            take(Line(name: String(decoding: name, as: UTF8.self), labels: labels, value: value))
        }
    }
}

/// Walks over one line.
private struct LineScanner {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    private var current: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 32 || byte == 9 { index += 1 }
    }

    private static func isNameByte(_ byte: UInt8, first: Bool) -> Bool {
        switch byte {
        case 65...90, 97...122, 95, 58: true
        case 48...57: !first
        default: false
        }
    }

    mutating func name() -> ArraySlice<UInt8>? {
        skipBlanks()
        let start = index
        while let byte = current, Self.isNameByte(byte, first: index == start) { index += 1 }
        guard index > start, let next = current, next == 123 || next == 32 || next == 9 else { return nil }
        return bytes[start..<index]
    }

    mutating func labels() -> LabelSet? {
        skipBlanks()
        guard current == 123 else { return LabelSet() }
        index += 1
        var labels: [Label] = []
        while true {
            skipBlanks()
            if current == 125 {
                index += 1
                return LabelSet(labels)
            }
            let start = index
            while let byte = current, Self.isNameByte(byte, first: index == start) { index += 1 }
            let name = String(decoding: bytes[start..<index], as: UTF8.self)
            skipBlanks()
            guard !name.isEmpty, current == 61 else { return nil }
            index += 1
            skipBlanks()
            guard current == 34, let value = quoted(), labels.count < PrometheusText.labelsMax else { return nil }
            labels.append(Label(name, value))
            skipBlanks()
            if current == 44 { index += 1 } else if current != 125 { return nil }
        }
    }

    private mutating func quoted() -> String? {
        index += 1
        var value: [UInt8] = []
        while let byte = current {
            index += 1
            switch byte {
            case 34: return String(decoding: value, as: UTF8.self)
            case 92:
                guard let escaped = current else { return nil }
                index += 1
                switch escaped {
                case 110: value.append(10)
                case 92, 34: value.append(escaped)
                default: value += [92, escaped]
                }
            default: value.append(byte)
            }
        }
        return nil
    }

    mutating func value() -> Double? {
        skipBlanks()
        let start = index
        while let byte = current, byte != 32, byte != 9 { index += 1 }
        return Self.number(String(decoding: bytes[start..<index], as: UTF8.self))
    }

    static func number(_ text: String) -> Double? {
        switch text {
        case "NaN", "nan": .nan
        case "+Inf", "Inf", "+inf", "inf": .infinity
        case "-Inf", "-inf": -.infinity
        default: text.utf8.contains(where: { $0 == 120 || $0 == 88 }) ? nil : Double(text)
        }
    }
}

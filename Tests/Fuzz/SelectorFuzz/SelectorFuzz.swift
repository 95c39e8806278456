import FuzzSupport
import Selectors
import Telemetry

/// One input: a selector as anybody who may look can send it, then values of the label `a`.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzSelectors(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let parts = Fuzz.parts(Fuzz.bytes(start, size), countMax: 4)
    let text = String(decoding: parts[0], as: UTF8.self)
    let selector: SeriesSelector
    do throws(SelectorError) {
        selector = try SeriesSelector(text)
    } catch {
        precondition(error.column >= 1 && error.column <= text.unicodeScalars.count + 1, "\(error) of \(text)")
        precondition(!error.message.isEmpty)
        return 0
    }
    precondition(!selector.matchers.isEmpty && selector.matchers.count <= SeriesSelector.matchersMax)
    for part in parts.dropFirst() {
        let value = String(decoding: part.prefix(512), as: UTF8.self)
        let series = Series("metric", ["a": value])
        let isNamed = selector.matches(series, cluster: "c")
        if isNamed { precondition(selector.mayMatch(metric: "metric"), "\(text) names what it cannot name") }
        checkOpposites(of: selector, series)
        Fuzz.canary(isNamed && selector.matchers.contains { $0.comparison == .matches })
    }
    return 0
}

/// Each condition holds where its opposite does not.
private func checkOpposites(of selector: SeriesSelector, _ series: Series) {
    for matcher in selector.matchers {
        let opposite: SeriesSelector.Matcher.Comparison =
            switch matcher.comparison {
            case .equal: .notEqual
            case .notEqual: .equal
            case .matches: .matchesNot
            case .matchesNot: .matches
            }
        // Quoted as the grammar has it.
        let quoted = matcher.value.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(scalar)
            }
        }.joined()
        // Elsewhere a mark may join a quote to one character with it.
        let isPlain = matcher.value.utf8.allSatisfy { $0 < 0x80 }
        guard isPlain, quoted.utf8.count + matcher.label.utf8.count + 16 <= SeriesSelector.bytesMax else { continue }
        let holds = try? SeriesSelector("metric{\(matcher.label)\(matcher.comparison.rawValue)\"\(quoted)\"}")
        let fails = try? SeriesSelector("metric{\(matcher.label)\(opposite.rawValue)\"\(quoted)\"}")
        guard let holds, let fails else { preconditionFailure("\(matcher.label) \(quoted) does not read again") }
        precondition(holds.matches(series, cluster: "c") != fails.matches(series, cluster: "c"), "\(quoted)")
    }
}

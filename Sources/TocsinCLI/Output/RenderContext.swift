import Telemetry

/// What tables depend on besides their content.
struct RenderContext: Hashable, Sendable {
    /// The reader's now.
    var now: Timestamp
    /// The reader's time zone.
    var zone: Zone
    /// Whether to colour.
    var colour: Bool
    /// Columns of the terminal; nil when the output goes elsewhere and nothing is cut.
    var width: Int?

    /// A moment as local and relative time; "-" for nil.
    func time(_ time: Timestamp?) -> String {
        time.map { TimeText.both($0, now: now, zone: zone) } ?? "-"
    }

    /// A moment as relative time; "-" for nil.
    func age(_ time: Timestamp?) -> String {
        time.map { TimeText.relative($0, now: now) } ?? "-"
    }

    /// Text in a style, when colour is on.
    func styled(_ text: String, _ style: Style) -> String {
        colour ? style.apply(text) : text
    }
}

/// Looks of a piece of text: ANSI SGR codes.
enum Style: String, Hashable, Sendable {
    case plain = ""
    case bold = "1"
    case dim = "2"
    case red = "31"
    case boldRed = "1;31"
    case yellow = "33"
    case green = "32"
    case cyan = "36"

    func apply(_ text: String) -> String {
        self == .plain ? text : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }

    /// The look of a severity.
    static func severity(_ severity: String) -> Style {
        switch severity {
        case "P1": .boldRed
        case "P2": .red
        case "P3": .yellow
        default: .cyan
        }
    }

    /// The look of a state: of an agent, a target or an incident.
    static func state(_ state: String) -> Style {
        switch state {
        case "live", "success", "resolved": .green
        case "suspect", "contended", "monitoring", "identified": .yellow
        case "silent", "detected": .red
        default: .plain
        }
    }
}

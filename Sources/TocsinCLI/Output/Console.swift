import FoundationEssentials
import Glibc
import Telemetry

/// The process's standard streams.
struct Console: Sendable {
    /// The process's environment.
    let environment: [String: String]

    static let standard = Console(environment: currentEnvironment())

    /// Writes to standard output.
    ///
    /// A reader that has gone away (`| head`) is no fault of ours: what cannot be written is dropped.
    func write(_ text: String) { Self.write(text, to: STDOUT_FILENO) }

    /// Writes a line to standard error, with the tool's name before it.
    func complain(_ message: String) { Self.write("tocsin: \(Printable.paragraph(message))\n", to: STDERR_FILENO) }

    /// What tables on standard output depend on.
    ///
    /// Colour is for terminals, and for none when `NO_COLOR` is set or it is dumb.
    func renderContext() -> RenderContext {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let refusesColour = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        tzset()
        return RenderContext(
            now: Self.now(), zone: .system, colour: isTerminal && !refusesColour,
            width: isTerminal ? Self.width(environment) : nil)
    }

    static func now() -> Timestamp {
        Timestamp(seconds: Date().timeIntervalSince1970)
    }

    private static func width(_ environment: [String: String]) -> Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment["COLUMNS"].flatMap(Int.init).map { max(20, $0) } ?? 80
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func currentEnvironment() -> [String: String] {
        var environment: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { environment[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return environment
    }
}

extension Printable {
    /// As `line`, with line ends kept.
    static func paragraph(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line(String($0)) }.joined(separator: "\n")
    }
}

import QueryWire
import Telemetry

/// `tocsin workload log`, and a part of `tocsin incident show`.
struct LogReport: Report {
    /// Edges of last lines and of new patterns, oldest first.
    var edges: [EdgeView]
    /// Whether there are older ones of the time asked for.
    var isCut = false

    var value: OutputValue { .array(edges.map(Self.value)) }

    /// The keys of one piece.
    static func value(_ view: EdgeView) -> OutputValue {
        let (labels, attributes) = (view.edge.labels, view.edge.attributes)
        let isTail = view.edge.kind == .logTail
        return [
            "at": .time(view.edge.at), "cluster": .string(view.cluster), "node": .string(view.node),
            "subject": .text(view.subject), "pod": .text(labels[LabelName.pod]),
            "container": .text(labels[LabelName.container]), "kind": .string(isTail ? "tail" : "pattern"),
            "reason": .text(attributes["reason"]), "level": .text(attributes["level"]),
            "template": .text(attributes["template"]),
            "count": isTail ? number(attributes["errors"]) : number(attributes["lines"]),
            "lines": .array(lines(view.edge).map { .string($0) }),
        ]
    }

    func table(_ context: RenderContext) -> String {
        guard !edges.isEmpty else {
            return
                "No lines are stored. Agents that read logs tell some when a container starts again or errors burst.\n"
        }
        return body(context, indent: 0) + CutNote.line(isCut)
    }

    /// A head for each piece, its lines below.
    func body(_ context: RenderContext, indent: Int) -> String {
        let space = String(repeating: " ", count: indent)
        return edges.map { view in
            let place = [view.edge.labels[LabelName.pod], view.edge.labels[LabelName.container]].compactMap(\.self)
            let whose = place.isEmpty ? view.node : place.joined(separator: "/")
            let time = TimeText.local(view.edge.at, now: context.now, zone: context.zone)
            let head = context.styled(Printable.line("\(time)  \(whose)  \(Self.title(view.edge))"), .bold)
            let lines = Self.lines(view.edge).map { "\(space)  \(Printable.line($0))\n" }
            return "\(space)\(head)\n" + lines.joined()
        }.joined()
    }

    private static func title(_ edge: Edge) -> String {
        let attributes = edge.attributes
        guard edge.kind == .logTail else {
            return "new \(attributes["level"] ?? "error") pattern, \(attributes["lines"] ?? "?") lines:"
                + " \(attributes["template"] ?? "")"
        }
        switch attributes["reason"] {
        case "container_restarted": return "last lines before it started again"
        case "error_burst": return "last lines of a burst of \(attributes["errors"] ?? "many") errors"
        case let reason: return "last lines, \(reason ?? "no reason given")"
        }
    }

    private static func lines(_ edge: Edge) -> [String] {
        let text = edge.attributes[edge.kind == .logTail ? "lines" : "sample"] ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private static func number(_ text: String?) -> OutputValue {
        text.flatMap { UInt64($0) }.map { .unsigned($0) } ?? .null
    }
}

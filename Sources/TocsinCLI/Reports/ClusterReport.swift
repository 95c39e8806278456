import QueryWire
import Telemetry

/// `tocsin cluster events`.
struct ClusterEventReport: Report {
    /// Oldest first.
    var edges: [EdgeView]
    /// Whether there are older ones of the time asked for.
    var isCut = false

    var value: OutputValue {
        .array(
            edges.map { view in
                let (labels, attributes) = (view.edge.labels, view.edge.attributes)
                return [
                    "at": .time(view.edge.at), "cluster": .string(view.cluster),
                    "namespace": .text(labels[LabelName.namespace]), "subject": .text(view.subject),
                    "object": .text(attributes["object"]), "type": .text(attributes["type"]),
                    "reason": .text(attributes["reason"]), "component": .text(attributes["component"]),
                    "message": .text(attributes["message"]), "count": .count(view.edge.count),
                    "total": attributes["total"].flatMap { UInt64($0) }.map { .unsigned($0) } ?? .null,
                    "uid": .text(attributes["uid"]),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        guard !edges.isEmpty else { return "No events.\n" }
        var table = Table([
            .init(title: "WHEN"), .init(title: "TYPE"), .init(title: "REASON"), .init(title: "NAMESPACE"),
            .init(title: "OBJECT", isFlexible: true), .init(title: "COUNT", isRight: true),
            .init(title: "MESSAGE", isFlexible: true),
        ])
        for view in edges {
            let attributes = view.edge.attributes
            let type = attributes["type"] ?? "-"
            table.add([
                .init(context.time(view.edge.at)), .init(type, type == "Normal" ? .plain : .yellow),
                .init(attributes["reason"] ?? "-"), .init(view.edge.labels[LabelName.namespace] ?? "-"),
                .init(attributes["object"] ?? "-"), .init("\(view.edge.count)"), .init(attributes["message"] ?? ""),
            ])
        }
        return table.render(context) + CutNote.line(isCut)
    }
}

/// `tocsin cluster rollouts`.
struct RolloutReport: Report {
    /// Oldest first.
    var edges: [EdgeView]
    /// Whether there are older ones of the time asked for.
    var isCut = false

    var value: OutputValue {
        .array(
            edges.map { view in
                let attributes = view.edge.attributes
                return [
                    "at": .time(view.edge.at), "cluster": .string(view.cluster),
                    "namespace": .text(view.edge.labels[LabelName.namespace]), "subject": .text(view.subject),
                    "phase": .string(Self.phase(view.edge)), "revision": .text(attributes["revision"]),
                    "hash": .text(attributes["hash"]), "images": Self.images(attributes["images"]),
                    "previousRevision": .text(attributes["previousRevision"]),
                    "previousHash": .text(attributes["previousHash"]),
                    "previousImages": Self.images(attributes["previousImages"]),
                    "message": .text(attributes["message"]), "uid": .text(attributes["uid"]),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        guard !edges.isEmpty else { return "No rollouts.\n" }
        var table = Table([
            .init(title: "WHEN"), .init(title: "SUBJECT", isFlexible: true), .init(title: "ROLLOUT"),
            .init(title: "REVISION"), .init(title: "CHANGE", isFlexible: true),
        ])
        for view in edges {
            let attributes = view.edge.attributes
            let phase = Self.phase(view.edge)
            let previous = attributes["previousRevision"].map { "\($0) -> " } ?? ""
            table.add([
                .init(context.time(view.edge.at)), .init(view.subject ?? "-"),
                .init(phase, phase == "stuck" ? .red : .plain), .init(previous + (attributes["revision"] ?? "-")),
                .init(Self.change(attributes)),
            ])
        }
        return table.render(context) + CutNote.line(isCut)
    }

    private static func phase(_ edge: Edge) -> String {
        switch edge.kind {
        case .rolloutStarted: "started"
        case .rolloutFinished: "finished"
        case .rolloutStuck: "stuck"
        default: edge.kind.rawValue
        }
    }

    private static func change(_ attributes: LabelSet) -> String {
        if let message = attributes["message"] { return message }
        guard let images = attributes["images"] else { return "" }
        guard let previous = attributes["previousImages"] else { return images }
        return previous == images ? "the same images" : "\(previous) -> \(images)"
    }

    /// `web=shop:1.4,log=fluent:2` as an object.
    private static func images(_ text: String?) -> OutputValue {
        guard let text else { return .null }
        return .object(
            text.split(separator: ",").map { part in
                let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
                return .init(key: pair.first ?? "", value: .string(pair.count > 1 ? pair[1] : ""))
            })
    }
}

/// What is said below an answer that a limit cut off.
enum CutNote {
    static func line(_ isCut: Bool) -> String {
        isCut ? "There are older ones: raise --limit or shorten --since.\n" : ""
    }
}

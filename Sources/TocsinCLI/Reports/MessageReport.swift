import QueryWire
import Telemetry

/// A message as filled in, with what is wrong with it.
struct MessageReport: Report {
    var message: MessageView
    var incident: String
    var kind: String
    /// Whether the text alone is to be printed.
    var isDocument = false

    var value: OutputValue {
        let problems = message.problems.map { problem -> OutputValue in
            ["words": .string(problem.words), "reason": .string(problem.reason)]
        }
        return [
            "incident": .string(incident), "kind": .string(kind), "text": .string(message.text),
            "problems": .array(problems), "nextUpdateAt": .time(message.nextUpdateAt), "sent": .bool(message.isSent),
        ]
    }

    func table(_ context: RenderContext) -> String {
        var text = message.text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { Printable.line(String($0)) + "\n" }.joined()
        if isDocument { return text }
        if !message.problems.isEmpty {
            text += "\n" + context.styled("Not for customers:", .red) + "\n"
            for problem in message.problems {
                text += "  '\(Printable.line(problem.words))' \(Printable.line(problem.reason))\n"
            }
            return text
        }
        let promise = message.nextUpdateAt.map { ", next update promised for \(context.time($0))" } ?? ""
        return text + "\n" + context.styled(message.isSent ? "Sent\(promise)." : "Not sent; --send sends it.", .dim)
            + "\n"
    }
}

import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import TocsinProto

/// `tocsin incident report`.
struct ReportCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "The runbook's post-incident report, filled in from the incident's events.",
        discussion: """
            The text is Markdown, to be redirected into a file. What no event says is a marked blank. `incident message ID \
            --kind report --send` sends it to the channels of internal messages.
            """)

    @Argument(help: "The incident: INC-7 or 7.")
    var id: IncidentID

    @Option(help: "The service, in the reader's words.")
    var service: String?

    @Option(help: "What the reader noticed.")
    var impact: String?

    @Option(help: "What was done to end it.")
    var resolution: String?

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let author = try author()
        let request = Tocsin_V1_ComposeMessageRequest.with {
            $0.id = id.text
            $0.kind = MessageCommand.Kind.report.rawValue
            $0.author = author
            $0.fields = ["service": service, "impact": impact, "resolution": resolution].compactMapValues { $0 }
        }
        let message = try await call { client, options in
            try await client.composeMessage(request, options: options)
        }
        answer(
            MessageReport(
                message: MessageView(message), incident: id.text, kind: MessageCommand.Kind.report.rawValue,
                isDocument: true))
    }
}

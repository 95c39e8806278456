import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import TocsinProto

/// `tocsin incident message`.
struct MessageCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "message", abstract: "Fill in one of the runbook's messages, print it, and send it with --send.",
        discussion: """
            What neither Tocsin nor you know is printed as unknown. Text for customers that names hosts, addresses, secrets \
            or a cause that is not on record is refused, and the reasons are printed.
            """)

    /// The runbook's templates.
    enum Kind: String, CaseIterable, ExpressibleByArgument, Sendable {
        case initial, update, resolution, customer, report
    }

    @Argument(help: "The incident: INC-7 or 7.")
    var id: IncidentID

    @Option(help: "initial, update or resolution for stakeholders; customer; report, which is sent after the end.")
    var kind: Kind

    @Option(help: "The service, in the reader's words.")
    var service: String?

    @Option(help: "What the reader notices.")
    var impact: String?

    @Option(help: "When it is expected to be over.")
    var eta: String?

    @Option(help: "What has been done.")
    var progress: String?

    @Option(name: .customLong("next"), help: "What is planned.")
    var nextSteps: String?

    @Option(help: "What was done to end it.")
    var resolution: String?

    @Option(help: "When the review is.")
    var review: String?

    @Flag(help: "Send it to the channels of its audience; the timeline keeps it.")
    var send = false

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let given = [
            "service": service, "impact": impact, "eta": eta, "progress": progress, "nextSteps": nextSteps,
            "resolution": resolution, "review": review,
        ].compactMapValues { $0 }
        let request = Tocsin_V1_ComposeMessageRequest.with {
            $0.id = id.text
            $0.kind = kind.rawValue
            $0.fields = given
            $0.send = send
        }
        let author = try author()
        let message = try await call { client, options in
            try await client.composeMessage(
                .with {
                    $0 = request
                    $0.author = author
                }, options: options)
        }
        let report = MessageReport(message: MessageView(message), incident: id.text, kind: kind.rawValue)
        answer(report)
        if !report.message.problems.isEmpty {
            throw CommandError.usage("the text holds what must not go to customers" + (send ? "; it was not sent" : ""))
        }
    }
}

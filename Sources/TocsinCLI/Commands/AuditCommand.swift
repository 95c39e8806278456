import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// `tocsin audit`.
struct AuditCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Who changed what, and who tried to.",
        discussion: "The latest records that match, oldest first. Needs the role responder.")

    @Option(help: ArgumentHelp("How far back.", valueName: "duration"))
    var since: DurationArgument?

    @Option(help: ArgumentHelp("By whom: the name of a certificate.", valueName: "name"))
    var user: String?

    @Option(help: ArgumentHelp("About what: INC-7, SIL-3.", valueName: "id"))
    var subject: String?

    @Option(help: "At most so many.")
    var limit = 100

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if !(1...10_000).contains(limit) { throw ValidationError("--limit \(limit) is not between 1 and 10000") }
    }

    func run() async throws {
        let request = Tocsin_V1_ListAuditRequest.with {
            if let since { $0.sinceMillis = (Console.now() - since.duration).millis }
            $0.user = user ?? ""
            $0.subject = subject?.uppercased() ?? ""
            $0.limit = UInt32(limit)
        }
        let (records, unreadable) = try await call { client, options in
            let answer = try await client.listAudit(request, options: options)
            return (answer.records.map(AuditRecordView.init), answer.unreadable)
        }
        answer(AuditReport(records: records, unreadable: unreadable))
    }
}

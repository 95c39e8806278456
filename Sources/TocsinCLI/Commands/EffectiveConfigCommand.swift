import ArgumentParser
import QueryWire
import SwiftProtobuf
import TocsinProto

/// `tocsin config show`.
struct EffectiveConfigCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The checks in force for a subject, each value with the line it comes from.",
        discussion: "The coordinator answers: what it shows is what it judges by, reloads included.")

    @Option(help: "NAMESPACE/KIND/NAME, postgresql/NAME, node/NAME or target/KIND/NAME; it need not exist yet.")
    var effective: String

    @Option(help: "Only this check.")
    var check: String?

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let subject = effective
        let all = try await call { client, options in
            try await client.getEffectiveChecks(.with { $0.subject = subject }, options: options).checks
                .map(EffectiveCheckView.init)
        }
        let checks = all.filter { check == nil || $0.name == check }
        if let check, checks.isEmpty { throw CommandError(.notFound, "there is no check '\(check)'") }
        answer(EffectiveChecksReport(subject: subject, checks: checks))
    }
}

import ArgumentParser
import Foundation
import GRPCCore
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// `tocsin replay`.
struct ReplayCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "What checks find in the stored cells of a past range.",
        discussion: """
            With the thresholds in force, or with those of a file, to see what it would have found. No incident is touched. \
            Needs the role responder.
            """)

    /// Most findings that one answer may have; beyond it the range is to be narrowed.
    static let findingsMax = 200_000
    /// A replay of weeks takes minutes, and the first finding may be at their end.
    static let timeoutMin = Duration.seconds(1800)

    @Option(help: ArgumentHelp("How far back (default: 24h).", valueName: "duration"))
    var since: DurationArgument?

    @Option(help: ArgumentHelp("Until this moment and not until now.", valueName: "time"))
    var at: TimeArgument?

    @Option(help: ArgumentHelp("Judge by this thresholds file.", valueName: "file"))
    var thresholds: String?

    @Option(help: ArgumentHelp("Only this subject: its path, or the last part of it.", valueName: "name"))
    var subject: String?

    @Option(help: ArgumentHelp("Only this check.", valueName: "name"))
    var check: String?

    @Flag(help: "Findings that go on too, one for each cell.")
    var ongoing = false

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let text = try thresholds.map { try Self.text(of: $0) }
        let end = at?.time(now: Console.now()) ?? Console.now()
        let request = Tocsin_V1_ReplayFindingsRequest.with {
            $0.fromMillis = (end - (since?.duration ?? .seconds(86_400))).millis
            $0.toMillis = end.millis
            $0.thresholds = text ?? ""
            $0.subject = subject ?? ""
            $0.check = check ?? ""
            $0.ongoing = ongoing
        }
        let report = try await call { client, options in
            var options = options
            options.timeout = max(options.timeout ?? Self.timeoutMin, Self.timeoutMin)
            return try await client.replayFindings(request, options: options) { response in
                var report = ReplayReport()
                for try await part in response.messages {
                    report.findings += part.findings.map { ReplayedFindingView($0) }
                    guard report.findings.count <= Self.findingsMax else {
                        throw CommandError(
                            .failed, "more than \(Self.findingsMax) findings: narrow --since, --subject or --check")
                    }
                    if part.hasSummary { report.summary = ReplaySummaryView(part.summary) }
                }
                return report
            }
        }
        answer(report)
    }

    private static func text(of path: String) throws -> String {
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            guard !text.allSatisfy(\.isWhitespace) else { throw CommandError.usage("\(path) is empty") }
            return text
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError.usage("\(path) cannot be read: \(error.localizedDescription)")
        }
    }
}

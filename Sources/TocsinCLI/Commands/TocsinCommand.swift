import ArgumentParser
import QueryWire
import Telemetry
import TocsinProto

/// `tocsin`: the root of all commands.
struct TocsinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tocsin", abstract: "Looks at the fleet and works on incidents.",
        discussion: """
            Every command takes --endpoint, --context, -o table|json|yaml, --cert, --key, --ca, --server-name, \
            --timeout and --plaintext, before or after its name. TOCSIN_ENDPOINT, TOCSIN_CERT, TOCSIN_KEY and \
            TOCSIN_CA stand for the options of these names; a context in ~/.config/tocsin/config.yaml gives the rest.

            Exit codes: 0 fine, 1 failed, 2 usage or invalid input, 3 not found, 4 unreachable, 5 denied.
            """, version: TocsinVersion.current,
        subcommands: [
            StatusCommand.self, AgentCommand.self, TargetCommand.self, WorkloadCommand.self, ClusterCommand.self,
            IncidentCommand.self,
            SilenceCommand<QuietKind>.self, SilenceCommand<MaintenanceKind>.self, QueryCommand.self,
            ReplayCommand.self, AuditCommand.self, ConfigCommand.self, TLSCommand.self,
        ])
}

/// `tocsin status`.
struct StatusCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Fleet, samples and open incidents at a glance.")

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let settings = try settings()
        let status = try await call { client, options in
            StatusView(try await client.getStatus(.init(), options: options))
        }
        answer(StatusReport(status: status, endpoint: "\(settings.endpoint)"))
    }
}

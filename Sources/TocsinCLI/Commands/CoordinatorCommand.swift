import ArgumentParser
import CertificateAuthority
import GRPCCore
import TocsinProto

/// A command that asks the coordinator and writes its answer.
protocol CoordinatorCommand: AsyncParsableCommand {
    var global: GlobalOptions { get }
}

extension CoordinatorCommand {
    /// Calls the coordinator that options, environment and context together name.
    func call<Result: Sendable>(
        _ body: @Sendable @escaping (CoordinatorConnection.Client, CallOptions) async throws -> Result
    ) async throws -> Result {
        try await CoordinatorConnection(settings: try settings()).call(body)
    }

    /// Writes an answer in the format that was asked for.
    func answer(_ report: some Report) {
        Console.standard.write(report.text(global.output, Console.standard.renderContext()))
    }

    /// Options before environment before context.
    func settings() throws(CommandError) -> ConnectionSettings {
        let environment = Console.standard.environment
        let options = ConnectionSettings.Layer(
            endpoint: global.endpoint, certificateFile: global.cert, keyFile: global.key,
            tokenFile: global.tokenFile, trustRootsFile: global.ca,
            serverName: global.serverName)
        let given = options.over(ConnectionSettings.Layer(environment: environment))
        let context = try Contexts.layer(named: global.context, environment: environment)
        return try ConnectionSettings(
            given.over(context), plaintext: global.plaintext, timeout: global.timeout.duration)
    }

    /// Who acts, for the timeline: the name in the client certificate, else the user of this machine.
    ///
    /// The coordinator takes the certificate's or the token's word over this one.
    func author() throws -> String {
        if case .certificate(let file, _)? = try settings().files?.credentials,
            let pem = try? CertificateDirectory.read(file),
            case .user(_, let name)? = try? PeerIdentity(certificatePEM: pem)
        {
            return name
        }
        return Console.standard.environment["USER"] ?? "unknown"
    }
}

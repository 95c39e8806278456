import ArgumentParser
import CertificateAuthority
import FoundationEssentials

/// Options of the commands that make certificates.
struct IssueOptions: ParsableArguments {
    @Option(help: "Days that certificates are valid, 1 to 3650.")
    var days = 365

    @Flag(help: "Replace files that are there.")
    var force = false

    @Option(name: [.customShort("o"), .long], help: "How to write the answer: table, json or yaml.")
    var output = OutputFormat.table

    func validate() throws {
        guard (1...3650).contains(days) else { throw ValidationError("--days is 1 to 3650") }
    }

    /// Makes certificates; nothing is written.
    func issue(
        _ roles: [CertificateRole], by authority: CertificateAuthority
    ) throws(CertificateAuthorityError) -> [TLSReport.Item] {
        var issued: [TLSReport.Item] = []
        for role in roles {
            let name = try role.fileName
            guard !issued.contains(where: { $0.name == name }) else {
                throw CertificateAuthorityError(.invalidName, "'\(name)' is asked for twice")
            }
            issued.append(
                TLSReport.Item(
                    name: name, files: try authority.issue(role, now: Date(), validity: .seconds(days * 86_400))))
        }
        return issued
    }

    /// Makes certificates with the authority of a directory and puts them beside it.
    func add(_ roles: [CertificateRole], to directory: String) throws {
        let store = CertificateDirectory(path: directory)
        try write { () throws(CertificateAuthorityError) in
            let issued = try issue(roles, by: try store.authority())
            for certificate in issued { try store.store(certificate.files, name: certificate.name, force: force) }
            return TLSReport(store: store, items: issued)
        }
    }

    /// Writes what was made; a refusal of names, and of files that are there, is wrong input, the rest has failed.
    func write(_ body: () throws(CertificateAuthorityError) -> TLSReport) throws {
        try TLSReport.write(output, body)
    }
}

extension TLSReport {
    /// Writes what was made; a refusal of names, and of files that are there, is wrong input, the rest has failed.
    static func write(_ output: OutputFormat, _ body: () throws(CertificateAuthorityError) -> TLSReport) throws {
        do throws(CertificateAuthorityError) {
            Console.standard.write(try body().text(output, Console.standard.renderContext()))
        } catch {
            let isInput = [.invalidName, .invalidHost, .exists].contains(error.code)
            throw CommandError(isInput ? .usage : .failed, error.message)
        }
    }
}

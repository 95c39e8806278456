import ActuatorProbe
import AgentSettings
import ConfigurationKit
import CurlHTTP
import FoundationEssentials
import PodProbe
import PostgresClient
import PostgresProbe
import Probing
import Telemetry

/// Tries everything that an agent is configured for, once, and says what would make it work.
///
/// It takes nothing over from a running agent: it opens no spool, announces itself to nobody, and holds one session at
/// each database for as long as a probe takes.
struct Doctor {
    let settings: AgentSettings
    let warnings: [ConfigurationIssue]
    let now: @Sendable () -> Timestamp
    /// Probes at once.
    private let probesMax = 8

    /// Tries all of it.
    func examine() async -> DoctorReport {
        let http = CurlHTTPClient()
        let postgres = PostgresEventLoop()
        let secrets = SecretFiles(
            environment: ProcessInfo.processInfo.environment, directory: settings.dataDirectory)
        let factory = ProbeFactory(http: http, postgres: postgres, secrets: secrets, now: now)
        var rows = warnings.map { DoctorRow(what: "configuration", verdict: .doubtful, detail: "\($0)") }
        if rows.isEmpty {
            rows.append(DoctorRow(what: "configuration", verdict: .fine, detail: "nothing is doubtful"))
        }
        rows.append(dataDirectory())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await http.run() }
            // A loop that cannot run shows in the row of each database.
            group.addTask { try? await postgres.run() }
            rows.append(await CoordinatorCheck(settings).row())
            rows += await pods(factory)
            rows += await listed(factory)
            await http.shutdown()
            postgres.stop()
            group.cancelAll()
        }
        return DoctorReport(rows: rows)
    }

    private func dataDirectory() -> DoctorRow {
        let path = settings.dataDirectory
        let probe = "\(path)/.doctor-\(ProcessInfo.processInfo.processIdentifier)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: probe))
            try FileManager.default.removeItem(atPath: probe)
            return DoctorRow(what: "dataDirectory", verdict: .fine, detail: "\(path) takes files")
        } catch {
            return DoctorRow(
                what: "dataDirectory", verdict: .failed, detail: "\(path) takes no files: \(error.systemReason)",
                fix: "the folder must belong to the agent's user, or the pod's fsGroup")
        }
    }

    private func pods(_ factory: ProbeFactory) async -> [DoctorRow] {
        let access = factory.access(settings)
        let report = await access.check()
        var rows = report.findings.map { finding in
            DoctorRow(
                what: finding.what, verdict: finding.problem == nil ? .fine : .failed,
                detail: finding.problem ?? "can be read", fix: finding.fix)
        }
        guard settings.discovery.isEnabled else { return rows }
        rows += report.discovery.problems.map { problem in
            DoctorRow(
                what: "annotation", verdict: .failed, detail: problem,
                fix: "tocsin.dev/actuator: \"PORT/PATH\", such as \"8086/actuator\"")
        }
        do {
            let make = try factory.discovered(settings.discovery)
            rows += await examine(report.discovery.endpoints.prefix(settings.discovery.targetsMax).map(make))
        } catch {
            rows.append(DoctorRow(what: "discovery", verdict: .failed, detail: "\(error)"))
        }
        return rows
    }

    private func listed(_ factory: ProbeFactory) async -> [DoctorRow] {
        do {
            // The pods' access was tried request by request.
            return await examine(try factory.probes(settings).filter { $0.target.kind != .pods })
        } catch {
            return [
                DoctorRow(
                    what: "secrets", verdict: .failed, detail: "\(error)",
                    fix: "set the variable, or name a file under the key that ends in 'File'")
            ]
        }
    }

    /// The probes' rows in their own order, a few at a time.
    private func examine(_ probes: [any Probe]) async -> [DoctorRow] {
        var rows = [DoctorRow?](repeating: nil, count: probes.count)
        await withTaskGroup(of: (Int, DoctorRow).self) { group in
            for (index, probe) in probes.enumerated() {
                if index >= probesMax, let (place, found) = await group.next() { rows[place] = found }
                group.addTask { (index, await examine(probe)) }
            }
            for await (place, found) in group { rows[place] = found }
        }
        return rows.compactMap { $0 }
    }

    private func examine(_ probe: any Probe) async -> DoctorRow {
        let report = await probe.run(startedAt: now())
        var row = DoctorRow(probe.target, report)
        if row.verdict == .fine { await doubt(&row, probe, report) }
        await probe.close()
        return row
    }

    /// What works and could do more.
    private func doubt(_ row: inout DoctorRow, _ probe: any Probe, _ report: ProbeReport) async {
        if !report.remarks.isEmpty {
            row.verdict = .doubtful
            row.detail = report.remarks.joined(separator: " ")
            let grants = await (probe as? PostgresProbe)?.missingGrants ?? []
            row.fix = grants.isEmpty ? nil : "a superuser runs: " + grants.joined(separator: " ")
        } else if let actuator = probe as? ActuatorProbe, let capabilities = await actuator.capabilities,
            !capabilities.mayHave("prometheus"), !capabilities.mayHave("metrics")
        {
            row.verdict = .doubtful
            row.detail = "health alone is exposed, no meters"
            row.fix = "management.endpoints.web.exposure.include=health,prometheus in the application"
        }
    }
}

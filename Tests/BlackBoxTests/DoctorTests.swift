import Foundation
import KubeletReplay
import Testing
import TocsinTestKit

/// `tocsin-agent doctor` against real parts, some of which lack what the agent needs.
@Suite(.serialized)
struct DoctorTests {
    private struct Row: Decodable {
        var check: String
        var result: String
        var detail: String
        var fix: String?
    }

    private func doctor(_ lab: TocsinLab, _ arguments: [String] = []) async throws -> TocsinLab.Output {
        let process = try ChildProcess(
            "\(lab.binaries)/tocsin-agent", ["doctor", "--config", lab.path("agent-node-a.yaml")] + arguments)
        let exit = try await process.waitForExit(timeout: .seconds(60))
        return TocsinLab.Output(lines: process.lines, exit: exit)
    }

    @Test func namesWhatIsMissingAndWhatWouldFixIt() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let tls = KubeletReplay.TLS(
            certificateFile: lab.path("tls/coordinator.crt"), keyFile: lab.path("tls/coordinator.key"))
        let server = ApiServerReplay(tls: tls, tokens: ["api-token"])
        let apiPort = try await server.start()
        try server.send(PodLine(name: "odd", annotations: ["tocsin.dev/actuator": "manage"]).added(version: 10))
        server.fail(.status(403, #"{"message":"pods is forbidden: cannot watch"}"#), .watch)
        server.fail(.status(403, #"{"message":"nodes is forbidden: cannot get"}"#), .get)
        let kubelet = KubeletReplay(
            try KubeletState(pods: Array(#"{"items":[]}"#.utf8), stats: Array(#"{"pods":[]}"#.utf8)), tls: tls)
        let kubeletPort = try await kubelet.start()
        kubelet.fail(.forbidden, path: "/stats/summary")
        let database = try await PostgresCluster.start()
        try await database.execute("CREATE ROLE tocsin LOGIN; CREATE ROLE other LOGIN")
        let session = try await database.openSession(role: "other")
        _ = try lab.folder.write("api-token\n", to: "token")
        let closed = try FreePort.next()
        let well = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200)) }
        try lab.writeAgent(
            node: "node-a", interval: "5s",
            probes: """
                kubernetes: {apiServer: 'https://127.0.0.1:\(apiPort)', tokenFile: token, caFile: tls/ca.crt}
                kubelet: {url: 'https://127.0.0.1:\(kubeletPort)', caFile: tls/ca.crt, tokenFile: token}
                actuators:
                  - {name: gone, url: 'http://127.0.0.1:\(closed)/actuator'}
                databases:
                  - {name: orders, host: 127.0.0.1, port: \(database.port), user: tocsin, sslMode: disable}
                checks:
                  - {name: page, url: '\(well.url)/'}
                """)
        let output = try await doctor(lab, ["--output", "json"])
        #expect(output.exit == .code(1))
        let rows = try JSONDecoder().decode([Row].self, from: Data(output.text.utf8))
        func row(_ check: String) throws -> Row { try #require(rows.first { $0.check == check }, "\(output.text)") }

        #expect(try row("coordinator").result == "failed", "none is running")
        #expect(try row("dataDirectory").result == "ok")
        #expect(try row("API server: list pods").result == "ok")
        let watch = try row("API server: watch pods")
        #expect(watch.result == "failed")
        #expect(watch.fix?.contains(#"resources: ["pods"], verbs: ["list", "watch"]"#) == true)
        let node = try row("API server: get the node")
        #expect(node.result == "failed")
        #expect(node.fix?.contains(#"resources: ["nodes"], verbs: ["get"]"#) == true)
        let stats = try row("kubelet: /stats/summary")
        #expect(stats.result == "failed")
        #expect(stats.fix?.contains(#"resources: ["nodes/stats"], verbs: ["get"]"#) == true)
        let annotation = try row("annotation")
        #expect(annotation.detail.contains("shop/odd"))
        #expect(annotation.fix?.contains("8086/actuator") == true)
        #expect(try row("actuator/gone").result == "failed")
        #expect(try row("http/page").result == "ok")
        let orders = try row("postgresql/orders")
        #expect(orders.result == "warning", "it answers, and hides what others do")
        #expect(orders.fix?.contains("GRANT pg_monitor TO tocsin;") == true)
        try await session.close()
        well.stop()
        try await server.stop()
        try await kubelet.stop()
    }

    @Test func allWellIsExitCodeZeroAndATable() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let well = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200)) }
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(
            node: "node-a", interval: "5s", probes: "checks:\n  - {name: page, url: '\(well.url)/'}")
        let coordinator = try await lab.startCoordinator()
        let output = try await doctor(lab)
        #expect(output.exit == .code(0), "\(output.text)")
        #expect(output.lines.first?.hasPrefix("CHECK") == true)
        #expect(output.lines.contains { $0.hasPrefix("coordinator") && $0.contains(" ok ") }, "\(output.text)")
        #expect(output.lines.last == "4 checks, 0 failed, 0 with a warning")
        #expect(try await lab.agents().isEmpty, "it announces itself to nobody")
        well.stop()
        try await coordinator.terminate()
    }

    @Test func whyAFolderTakesNoFilesIsSaidInTheSystemsWords() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeAgent(node: "node-a", interval: "5s", probes: "")
        _ = try lab.folder.write("in the way", to: "agent-node-a")
        let output = try await doctor(lab)
        #expect(output.exit == .code(1))
        #expect(output.text.contains("agent-node-a takes no files: File exists\n"), "\(output.text)")
    }

    @Test func aCertificateOfAnotherNodeIsNamed() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(node: "node-a", interval: "5s", probes: "")
        for suffix in ["crt", "key"] {
            try FileManager.default.removeItem(atPath: lab.path("tls/agent-node-a.\(suffix)"))
            try FileManager.default.copyItem(
                atPath: lab.path("tls/user-oncall.\(suffix)"), toPath: lab.path("tls/agent-node-a.\(suffix)"))
        }
        let coordinator = try await lab.startCoordinator()
        let output = try await doctor(lab)
        #expect(output.exit == .code(1))
        #expect(output.text.contains("tocsin tls issue agent"), "\(output.text)")
        try await coordinator.terminate()
    }

    @Test func aWrongFileIsExitCodeTwo() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        _ = try lab.folder.write("kind: agent\nclutser: x\n", to: "agent-node-a.yaml")
        let output = try await doctor(lab)
        #expect(output.exit == .code(2))
        #expect(output.text.contains("agent-node-a.yaml:2:1"))
    }
}

import Foundation
import Testing
import TocsinTestKit

/// Ten targets that fail, each in its own way, beside one that is well: each has its class in `target list`, and none
/// delays the well one.
@Suite(.serialized)
struct FailureClassTests {
    @Test func everyFailureHasItsClassAndDelaysNobody() async throws {
        let database = try await PostgresCluster.start(.init(authentication: .scram))
        let mute = try LoopbackListener()
        let closed = try FreePort.next()
        let hanging = try CannedHTTPServer { request in
            request.path.hasSuffix("/health")
                ? .silence
                : .bytes(CannedHTTPServer.answer(200, #"{"_links":{"health":{"href":"x","templated":false}}}"#))
        }
        let page = try CannedHTTPServer { _ in
            .bytes(CannedHTTPServer.answer(200, type: "text/html", "<html>hello</html>"))
        }
        let login = try CannedHTTPServer { _ in
            .bytes(CannedHTTPServer.answer(302, type: nil, headers: ["Location: http://127.0.0.1/login"]))
        }
        let locked = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(401)) }
        let well = try CannedHTTPServer { request in
            request.path.hasSuffix("/health")
                ? .bytes(CannedHTTPServer.answer(200, #"{"status":"UP"}"#)) : .bytes(CannedHTTPServer.answer(404))
        }
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        _ = try lab.folder.write("wrong", to: "wrong.password")
        let actuators: [(name: String, url: String, expected: String)] = [
            ("well", well.url, "success"), ("hanging", hanging.url, "timeout"), ("page", page.url, "body"),
            ("login", login.url, "auth"), ("locked", locked.url, "auth"),
            ("mute", "http://127.0.0.1:\(mute.port)", "silent"), ("gone", "http://127.0.0.1:\(closed)", "refused"),
            ("nowhere", "http://tocsin.invalid:80", "dns"),
            // A certificate of an authority that nobody here trusts.
            ("stranger", "https://localhost:\(lab.port)", "tls"),
        ]
        let databases: [(name: String, host: String, port: Int, tls: String, expected: String)] = [
            ("wrong-password", "127.0.0.1", database.port, "disable", "auth"),
            ("no-tls", "127.0.0.1", database.port, "require", "tls"),
            ("db-gone", "127.0.0.1", closed, "disable", "refused"),
            ("db-mute", "127.0.0.1", mute.port, "disable", "silent"),
            ("db-nowhere", "tocsin.invalid", 5432, "disable", "dns"),
        ]
        var probes = "actuators:\n"
        for entry in actuators { probes += "  - {name: \(entry.name), url: '\(entry.url)/actuator'}\n" }
        probes += "databases:\n"
        for entry in databases {
            probes += """
                  - {name: \(entry.name), host: \(entry.host), port: \(entry.port), database: postgres, \
                user: postgres, passwordFile: wrong.password, sslMode: \(entry.tls)}

                """
        }
        try lab.writeAgent(node: "node-a", interval: "4s", probes: probes)
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: "node-a")
        let expected = Dictionary(
            uniqueKeysWithValues: actuators.map { ("actuator/\($0.name)", $0.expected) }
                + databases.map { ("postgresql/\($0.name)", $0.expected) })
        var last: [String: String] = [:]
        let settled = try await lab.eventually(within: .seconds(40), every: .seconds(1)) { () -> Bool? in
            let targets = try await lab.targets().filter { $0.id != "agent/node-a" }
            last = Dictionary(uniqueKeysWithValues: targets.map { ($0.id, $0.outcome ?? "none") })
            return last == expected ? true : nil
        }
        #expect(settled == true, "\(last.filter { expected[$0.key] != $0.value }) instead of the expected classes")

        try await expectGrid(lab)
        for server in [hanging, page, login, locked, well] { server.stop() }
        try await agent.terminate()
        try await coordinator.terminate()
    }

    private func expectGrid(_ lab: TocsinLab) async throws {
        // The well target's probes keep their grid of four seconds beside all the others.
        let times = try #require(
            try await lab.eventually(within: .seconds(40), every: .seconds(1)) { () -> [Double]? in
                let times = try await probeTimes(lab, target: "actuator/well", since: "1m")
                return times.count >= 6 ? times : nil
            })
        let late = zip(times, times.dropFirst()).map { abs(($1 - $0) - 4) }.max() ?? 99
        #expect(late <= 0.1, "no probe started more than 100 ms off its grid, the worst was \(late) s")
    }

    private func probeTimes(_ lab: TocsinLab, target: String, since: String) async throws -> [Double] {
        try await SampleQuery(lab: lab).points("probe_up{target=\"\(target)\"}", since: since).map(\.time)
    }
}

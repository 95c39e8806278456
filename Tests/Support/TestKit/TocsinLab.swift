import Foundation

/// Built binaries, certificates and configuration in a temporary folder: a coordinator and agents as an operator runs
/// them.
package final class TocsinLab: Sendable {
    /// An incident as `tocsin incident list -o json` prints it.
    package struct Incident: Decodable, Sendable, Hashable {
        package var id: String
        package var title: String
        package var family: String
        package var checkGroup: String
        package var severity: String
        package var state: String
        package var subject: String
        package var onsetAt: String
        package var openedAt: String
        package var resolvedAt: String?
        package var episode: Int
    }

    /// A target as `tocsin target list -o json` prints it.
    package struct Target: Decodable, Sendable, Hashable {
        package var id: String
        package var node: String
        package var outcome: String?
        package var message: String?
        package var lastSampleCount: Int
    }

    /// An agent as `tocsin agent list -o json` prints it.
    package struct Agent: Decodable, Sendable, Hashable {
        package var node: String
        package var state: String
        package var samplesTotal: UInt64
        package var lostSamplesTotal: UInt64
        package var spoolBytes: UInt64
        package var rssBytes: UInt64
        package var cpuSeconds: Double
    }

    /// What a command printed and how it ended.
    package struct Output: Sendable {
        package var lines: [String]
        package var exit: ChildProcess.Exit
        package var text: String { lines.joined(separator: "\n") }

        /// What another command of the lab's binaries printed.
        package init(lines: [String], exit: ChildProcess.Exit) {
            self.lines = lines
            self.exit = exit
        }
    }

    /// Folder of everything.
    package let folder: TemporaryDirectory
    /// Folder of the built binaries.
    package let binaries: String
    /// The cluster's name.
    package let cluster: String
    /// The coordinator's ports.
    package let port: Int
    package let httpPort: Int

    /// Makes the folder and the certificates of the given nodes and of an admin named `oncall`.
    package init(nodes: [String], cluster: String = "demo", binaries: String? = nil) async throws {
        self.binaries = binaries ?? Self.builtBinaries()
        self.cluster = cluster
        folder = try TemporaryDirectory("tocsin-lab")
        port = try FreePort.next()
        httpPort = try FreePort.next()
        var arguments = [
            "tls", "init", "\(folder.path)/tls", "--cluster", cluster, "--host", "localhost", "--host", "127.0.0.1",
        ]
        for node in nodes { arguments += ["--node", node] }
        try await ChildProcess.run("\(self.binaries)/tocsin", arguments + ["--user", "oncall"])
    }

    /// The folder that holds the running test or demo binary, where SwiftPM puts all of them.
    package static func builtBinaries() -> String {
        if let path = ProcessInfo.processInfo.environment["TOCSIN_BIN"] { return path }
        var url = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        // A test bundle may be started through the testing helper: then the bundle's own path says where.
        for _ in 0..<4 {
            if FileManager.default.isExecutableFile(atPath: url.appendingPathComponent("tocsin-agent").path) {
                return url.path
            }
            url = url.deletingLastPathComponent()
        }
        return packageRoot + "/.build/debug"
    }

    /// The folder of `Package.swift`.
    package static let packageRoot: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url = url.deletingLastPathComponent() }
        return url.path
    }()

    /// Path of a file in the folder.
    package func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    /// Writes `coordinator.yaml`; `thresholds` is copied beside it, `more` is YAML at the top level.
    package func writeCoordinator(step: String, thresholds: String, more: String = "") throws {
        try FileManager.default.copyItem(atPath: thresholds, toPath: path("thresholds.yaml"))
        _ = try folder.write(
            """
            kind: coordinator
            listen: 127.0.0.1:\(port)
            tls:
              certificateFile: tls/coordinator.crt
              keyFile: tls/coordinator.key
              trustRootsFile: tls/ca.crt
            dataDirectory: coordinator
            http:
              listen: 127.0.0.1:\(httpPort)
            thresholdsFile: thresholds.yaml
            step: \(step)
            \(more)
            """, to: "coordinator.yaml")
    }

    /// Writes `agent-NODE.yaml`; `probes` is YAML at the top level with the sections `kubelet`, `actuators` and so on.
    ///
    /// The node itself is looked at only with a section `host`, for tests must not depend on the machine. Returns the
    /// port of `http.listen`.
    @discardableResult
    package func writeAgent(
        node: String, interval: String, probes: String, httpPort: Int? = nil, coordinatorPort: Int? = nil
    ) throws -> Int {
        let httpPort = try httpPort ?? FreePort.next()
        _ = try folder.write(
            """
            kind: agent
            cluster: \(cluster)
            node: \(node)
            coordinator:
              endpoint: 127.0.0.1:\(coordinatorPort ?? port)
            tls:
              certificateFile: tls/agent-\(node).crt
              keyFile: tls/agent-\(node).key
              trustRootsFile: tls/ca.crt
            dataDirectory: agent-\(node)
            interval: \(interval)
            http:
              listen: 127.0.0.1:\(httpPort)
            \(probes.split(separator: "\n").contains { $0.hasPrefix("host:") } ? "" : "host: {enabled: false}")
            \(probes)
            """, to: "agent-\(node).yaml")
        return httpPort
    }

    /// Starts the coordinator and waits until it listens.
    package func startCoordinator() async throws -> ChildProcess {
        let process = try ChildProcess(
            "\(binaries)/tocsin-coordinator", ["--config", path("coordinator.yaml")], directory: folder.path)
        _ = try await process.waitForLine(containing: "[CoordinatorApp] listening")
        return process
    }

    /// Starts the agent of a node, with `variables` beside our own environment.
    package func startAgent(node: String, variables: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(
            "\(binaries)/tocsin-agent", ["--config", path("agent-\(node).yaml")],
            environment: ProcessInfo.processInfo.environment.merging(variables) { $1 }, directory: folder.path)
    }

    /// Runs `tocsin` as the admin `oncall`.
    package func tocsin(_ arguments: [String], as user: String = "oncall", timeout: Duration = .seconds(20))
        async throws -> Output
    {
        var environment = ProcessInfo.processInfo.environment
        environment["TOCSIN_ENDPOINT"] = "127.0.0.1:\(port)"
        environment["TOCSIN_CA"] = path("tls/ca.crt")
        environment["TOCSIN_CERT"] = path("tls/user-\(user).crt")
        environment["TOCSIN_KEY"] = path("tls/user-\(user).key")
        let process = try ChildProcess("\(binaries)/tocsin", arguments, environment: environment)
        process.closeInput()
        let exit = try await process.waitForExit(timeout: timeout)
        return Output(lines: process.lines, exit: exit)
    }

    /// Runs `tocsin … -o json` and decodes what it prints.
    package func json<Value: Decodable>(_ type: Value.Type, _ arguments: [String]) async throws -> Value {
        let output = try await tocsin(arguments + ["-o", "json"])
        guard output.exit == .code(0) else {
            throw ChildProcess.Failure(
                description: "tocsin \(arguments.joined(separator: " ")) ended with \(output.exit): \(output.text)")
        }
        do {
            // What is missing from an answer is told on standard error, whose lines come in the same pipe.
            let answer = output.lines.filter { !$0.hasPrefix("tocsin: samples of ") }
            return try JSONDecoder().decode(Value.self, from: Data(answer.joined(separator: "\n").utf8))
        } catch {
            throw ChildProcess.Failure(
                description: "tocsin \(arguments.joined(separator: " ")): \(error): \(output.text.prefix(2000))")
        }
    }

    /// All incidents.
    package func incidents() async throws -> [Incident] {
        try await json([Incident].self, ["incident", "list", "--all"])
    }

    /// All targets.
    package func targets() async throws -> [Target] { try await json([Target].self, ["target", "list"]) }

    /// All agents.
    package func agents() async throws -> [Agent] { try await json([Agent].self, ["agent", "list"]) }

    /// Asks again until `condition` holds; nil when it did not within the time.
    package func eventually<Value: Sendable>(
        within timeout: Duration, every pause: Duration = .milliseconds(250), _ ask: () async throws -> Value?
    ) async throws -> Value? {
        let end = ContinuousClock.now + timeout
        while true {
            if let value = try await ask() { return value }
            if ContinuousClock.now >= end { return nil }
            // Another process' state can only be asked for.
            try await Task.sleep(for: pause)
        }
    }
}

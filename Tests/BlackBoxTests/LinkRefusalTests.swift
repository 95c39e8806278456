import Foundation
import Testing
import TocsinTestKit

/// What an agent logs when it gets no connection: docs/operations.md quotes these lines.
@Suite(.serialized)
struct LinkRefusalTests {
    /// What is wrong with an agent's file.
    enum Fault: String, CaseIterable, Sendable {
        case nobodyListens, othersAuthority, certificateOfAnother, otherName, noFile

        /// Text of the file to replace, and by what.
        func change(_ lab: TocsinLab) -> (String, String) {
            switch self {
            case .nobodyListens: ("endpoint: 127.0.0.1:\(lab.port)", "endpoint: 127.0.0.1:1")
            case .othersAuthority: ("tls/ca.crt", "other/ca.crt")
            case .certificateOfAnother: ("tls/agent-node-a.", "other/agent-node-a.")
            case .otherName: ("", "")  // The coordinator's certificate is.
            case .noFile: ("tls/agent-node-a.crt", "tls/nothing.crt")
            }
        }

        /// The line's reason as docs/operations.md has it.
        var quoted: String {
            switch self {
            case .nobodyListens: "HOST:PORT: Connection refused"
            case .othersAuthority:
                "TLS failed: the coordinator's certificate does not come from an authority in FILE, or is not valid now"
            case .certificateOfAnother: "TLS failed: the coordinator refuses our certificate"
            case .otherName:
                "TLS failed: the coordinator's certificate is not for NAME; coordinator.serverName says which name to "
                    + "expect"
            case .noFile: "TLS failed: FILE: No such file or directory"
            }
        }

        func line(_ lab: TocsinLab) -> String {
            let file =
                switch self {
                case .othersAuthority: "other/ca.crt"
                default: "tls/nothing.crt"
                }
            return quoted.replacingOccurrences(of: "FILE", with: lab.path(file))
                .replacingOccurrences(of: "NAME", with: "127.0.0.1")
                .replacingOccurrences(of: "HOST:PORT", with: "127.0.0.1:1")
        }
    }

    @Test("An agent without a connection says which file or setting is wrong", arguments: Fault.allCases)
    func refused(_ fault: Fault) async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(node: "node-a", interval: "1s", probes: "")
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "init", lab.path("other"), "--cluster", "test", "--node", "node-a"])
        if fault == .otherName {
            try await ChildProcess.run(
                "\(lab.binaries)/tocsin",
                ["tls", "issue", "coordinator", lab.path("tls"), "--host", "elsewhere.example", "--force"])
        }
        let (text, other) = fault.change(lab)
        let path = lab.path("agent-node-a.yaml")
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        try whole.replacingOccurrences(of: text, with: other).write(toFile: path, atomically: true, encoding: .utf8)
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: "node-a")
        let line = try await agent.waitForLine(containing: "no connection to the coordinator")
        #expect(line.contains("reason=" + fault.line(lab)), "\(line)")
        if fault == .certificateOfAnother { #expect(line.contains(lab.path("other/agent-node-a.crt")), "\(line)") }
        let manual = try String(contentsOfFile: TocsinLab.packageRoot + "/docs/operations.md", encoding: .utf8)
        #expect(manual.contains("`reason=\(fault.quoted)"), "what people look for")
        try await agent.terminate()
        try await coordinator.terminate()
    }
}

import Foundation
import TocsinTestKit

/// A process whose data directory is a small file system of its own, in a mount namespace that ends with it.
struct SmallDisk {
    static let isPermitted: Bool = {
        let probe = Process()
        probe.executableURL = URL(filePath: "/usr/bin/unshare")
        probe.arguments = ["-m", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]
        probe.standardError = FileHandle.nullDevice
        do { try probe.run() } catch { return false }
        probe.waitUntilExit()
        return probe.terminationStatus == 0
    }()

    /// The shell that mounted it, or the process in its place.
    let process: ChildProcess
    private let directory: String

    /// The coordinator of a lab, when it listens.
    static func coordinator(_ lab: TocsinLab, megabytes: Int) async throws -> SmallDisk {
        let disk = try SmallDisk(
            lab, directory: "coordinator", megabytes: megabytes, command: "exec \"$0\" --config \"$1\"",
            arguments: ["\(lab.binaries)/tocsin-coordinator", lab.path("coordinator.yaml")])
        _ = try await disk.process.waitForLine(containing: "[CoordinatorApp] listening")
        return disk
    }

    /// The agent of a node, which is started again when it dies; its process id is in `agent.pid`.
    static func agent(_ lab: TocsinLab, node: String, megabytes: Int) throws -> SmallDisk {
        try SmallDisk(
            lab, directory: "agent-\(node)", megabytes: megabytes,
            command: """
                trap 'kill $agent; wait $agent; exit' TERM
                while :; do "$0" --config "$1" & agent=$!; echo $agent >'\(lab.path("agent.pid"))'; wait $agent; done
                """, arguments: ["\(lab.binaries)/tocsin-agent", lab.path("agent-\(node).yaml")])
    }

    private init(
        _ lab: TocsinLab, directory: String, megabytes: Int, command: String, arguments: [String]
    ) throws {
        self.directory = lab.path(directory)
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        process = try ChildProcess(
            "/usr/bin/unshare",
            [
                "-m", "sh", "-c",
                "mount -t tmpfs -o size=\(megabytes)m tmpfs '\(self.directory)' || exit 1\n\(command)",
            ] + arguments, directory: lab.folder.path)
    }

    /// Runs a shell command where the process sees its disk.
    func run(_ command: String) async throws {
        try await ChildProcess.run(
            "/usr/bin/nsenter", ["-t", "\(process.pid)", "-m", "sh", "-c", "cd '\(directory)' && \(command)"])
    }

    func fill() async throws { try await run("dd if=/dev/zero of=ballast bs=4k 2>/dev/null || true") }
    func free() async throws { try await run("rm ballast") }
}

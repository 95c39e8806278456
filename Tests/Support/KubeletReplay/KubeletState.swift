package import Foundation

/// What a replayed kubelet knows: its pods and their usage, as captured and then edited.
///
/// Edits follow the kubelet: `restartCount` numbers the newest run of a container, `lastState` is the run before, each
/// run has a container id of its own. An edit of a pod or container that is not there throws `KubeletReplayError`.
package struct KubeletState: Sendable {
    /// The answer to `/pods`.
    package var podList: JSONValue
    /// The answer to `/stats/summary` at the moment of the capture.
    package var stats: JSONValue
    /// The answer to `/metrics/probes`.
    package var probes: String
    private var runs = 0

    /// Takes captured answers; `shiftedTo` moves their times so that the newest usage was measured just then.
    package init(pods: [UInt8], stats: [UInt8], probes: String = "", shiftedTo now: Date? = nil) throws {
        podList = try JSONValue(parsing: pods)
        self.stats = try JSONValue(parsing: stats)
        self.probes = probes
        guard let now, let newest = Self.newestTime(self.stats) else { return }
        let seconds = now.timeIntervalSince(newest).rounded()
        podList = podList.mappingStrings { KubeletTime.shift($1, by: seconds) }
        self.stats = self.stats.mappingStrings { KubeletTime.shift($1, by: seconds) }
    }

    /// Reads captured files, decompressing those that end in `.gz` with gzip.
    package init(podsFile: String, statsFile: String, probesFile: String? = nil, shiftedTo now: Date? = nil) throws {
        let probes = try probesFile.map { String(decoding: try CaptureFile.read($0), as: UTF8.self) }
        try self.init(
            pods: try CaptureFile.read(podsFile), stats: try CaptureFile.read(statsFile), probes: probes ?? "",
            shiftedTo: now)
    }

    /// Names of the pods.
    package var podNames: [String] {
        (podList["items"]?.elements ?? []).compactMap { $0["metadata"]?["name"]?.text }
    }

    /// Edits one pod's JSON.
    package mutating func editPod(_ name: String, _ edit: (inout JSONValue) throws -> Void) throws {
        var items = podList["items"]?.elements ?? []
        guard let index = items.firstIndex(where: { $0["metadata"]?["name"]?.text == name }) else {
            throw KubeletReplayError.noSuchPod(name)
        }
        try edit(&items[index])
        podList["items"] = .array(items)
    }

    /// Edits the status of one container of a pod.
    package mutating func editContainer(
        pod: String, container: String, _ edit: (inout JSONValue) throws -> Void
    ) throws {
        try editPod(pod) { pod in
            var status = pod["status"] ?? .object([:])
            try Self.editElement(of: &status, "containerStatuses", named: container, edit)
            pod["status"] = status
        }
    }

    /// Edits the usage of one container of a pod, in `/stats/summary`.
    package mutating func editUsage(
        pod: String, container: String, _ edit: (inout JSONValue) throws -> Void
    ) throws {
        var pods = stats["pods"]?.elements ?? []
        guard let index = pods.firstIndex(where: { $0["podRef"]?["name"]?.text == pod }) else {
            throw KubeletReplayError.noSuchPod(pod)
        }
        try Self.editElement(of: &pods[index], "containers", named: container, edit)
        stats["pods"] = .array(pods)
    }

    /// A container id that no run had before.
    mutating func newContainerID() -> String {
        runs += 1
        return "containerd://replay" + String(runs) + "-" + UUID().uuidString.lowercased()
    }

    private static func editElement(
        of value: inout JSONValue, _ key: String, named name: String, _ edit: (inout JSONValue) throws -> Void
    ) throws {
        var elements = value[key]?.elements ?? []
        guard let index = elements.firstIndex(where: { $0["name"]?.text == name }) else {
            throw KubeletReplayError.noSuchContainer(name)
        }
        try edit(&elements[index])
        value[key] = .array(elements)
    }

    private static func newestTime(_ stats: JSONValue) -> Date? {
        var newest: Date?
        _ = stats.mappingStrings { key, text in
            if key == "time", let date = KubeletTime.date(text), date > newest ?? .distantPast { newest = date }
            return text
        }
        return newest
    }
}

/// Why an edit or a start of the replay failed.
package enum KubeletReplayError: Error {
    /// No pod of that name.
    case noSuchPod(String)
    /// The pod has no such container.
    case noSuchContainer(String)
    /// A capture could not be read or decompressed.
    case unreadable(String)
    /// The server has no address after its start.
    case noPort
}

/// Reads captures from disk.
package enum CaptureFile {
    /// The bytes of a file; `gzip` decompresses those that end in `.gz`.
    package static func read(_ path: String) throws -> [UInt8] {
        guard path.hasSuffix(".gz") else { return [UInt8](try Data(contentsOf: URL(filePath: path))) }
        let gzip = Process()
        gzip.executableURL = URL(filePath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", path]
        let output = Pipe()
        gzip.standardOutput = output
        try gzip.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        gzip.waitUntilExit()
        guard gzip.terminationStatus == 0 else { throw KubeletReplayError.unreadable(path) }
        return [UInt8](data)
    }
}

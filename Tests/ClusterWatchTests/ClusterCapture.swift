import ClusterWatch
import Foundation
import KubeletReplay
import KubernetesAPI
import Synchronization
import Telemetry

/// Captures of an API server in `Tests/Fixtures/k8s`.
enum ClusterCapture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/k8s").path

    /// After all captures were taken, on the same day.
    static let now = Timestamp(millis: 1_795_562_000_000)

    /// The bytes of a file, unpacked once.
    static func bytes(_ file: String) throws -> [UInt8] {
        if let known = read.withLock({ $0[file] }) { return known }
        let bytes = try CaptureFile.read("\(directory)/\(file)")
        read.withLock { $0[file] = bytes }
        return bytes
    }

    private static let read = Mutex<[String: [UInt8]]>([:])

    static func text(_ file: String) throws -> String {
        String(decoding: try bytes(file), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The objects of a list.
    static func list<Object: Decodable>(_ file: String, of type: Object.Type = Object.self) throws -> [Object] {
        try JSONDecoder().decode(ObjectPage<Object>.self, from: Data(try bytes(file))).objects
    }

    /// The lines of a watch.
    static func lines(_ file: String) throws -> [[UInt8]] { try bytes(file).split(separator: 10).map(Array.init) }

    /// The objects of a list as lines of a watch, as they would have come, older than all events.
    static func lines(of file: String, kind: String) throws -> [[UInt8]] {
        let items = try JSONValue(parsing: try bytes(file))["items"]?.elements ?? []
        return items.enumerated().map { index, item in
            var item = item
            item["metadata"]?["resourceVersion"] = .string(String(10 + index))
            return JSONValue.object(["type": .string(kind), "object": item]).bytes
        }
    }

    /// What a line of a watch says.
    struct Line: Decodable {
        var type: String
        var object: ClusterEvent
    }

    static func events(inWatch file: String) throws -> [ClusterEvent] {
        try lines(file).map { try JSONDecoder().decode(Line.self, from: Data($0)).object }
    }
}

extension Edge {
    /// Kind, identity and attributes in the order asked for, in one line.
    func says(_ keys: String...) -> String {
        let identity = labels.labels.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        return "\(kind.rawValue) \(identity)" + keys.map { " \($0)=\(attributes[$0] ?? "-")" }.joined()
    }
}

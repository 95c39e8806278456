import FoundationEssentials

/// One line of a pod watch.
enum WatchMessage {
    /// A pod as it is now, and the version it has.
    case changed(KubeletPod, version: String?)
    /// A pod's last state.
    case deleted(KubeletPod, version: String?)
    /// Nothing changed up to this version.
    case bookmark(version: String)
    /// The server ends the watch: the code and the words of its Status.
    case failed(code: Int, message: String)
    /// Something else; a pod that could not be read has a version.
    case unreadable(version: String?)

    /// Reads a line.
    init(_ line: [UInt8]) {
        guard let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(line)) else {
            self = .unreadable(version: nil)
            return
        }
        let version = envelope.version
        switch (envelope.type, envelope.pod) {
        case ("ADDED", let pod?), ("MODIFIED", let pod?): self = .changed(pod, version: version)
        case ("DELETED", let pod?): self = .deleted(pod, version: version)
        case ("BOOKMARK", _): self = version.map { .bookmark(version: $0) } ?? .unreadable(version: nil)
        case ("ERROR", _):
            self = .failed(code: envelope.status?.code ?? 0, message: envelope.status?.message ?? "no reason given")
        default: self = .unreadable(version: version)
        }
    }

    private struct Envelope: Decodable {
        struct Object: Decodable {
            struct Metadata: Decodable {
                var resourceVersion: String?
            }

            var metadata: Metadata?
        }

        struct Status: Decodable {
            var code: Int?
            var message: String?
        }

        var type: String
        var version: String?
        var pod: KubeletPod?
        var status: Status?

        private enum CodingKeys: String, CodingKey { case type, object }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            type = try container.decode(String.self, forKey: .type)
            let version = container.lenient(Object.self, .object)?.metadata?.resourceVersion
            self.version = version.flatMap { $0.isEmpty ? nil : $0 }
            switch type {
            case "ADDED", "MODIFIED", "DELETED": pod = container.lenient(KubeletPod.self, .object)
            case "ERROR": status = container.lenient(Status.self, .object)
            default: break
            }
        }
    }
}

/// One page of the API server's pod list.
struct WatchedPodList: Decodable {
    private struct Metadata: Decodable {
        var resourceVersion: String?
        var `continue`: String?
    }

    /// The version that a watch goes on from.
    var version: String
    /// The next page's token; nil on the last one.
    var next: String?
    /// The pods.
    var list: KubeletPodList

    private enum CodingKeys: String, CodingKey { case metadata }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try container.decode(Metadata.self, forKey: .metadata)
        guard let version = metadata.resourceVersion, !version.isEmpty else {
            throw DecodingError.dataCorruptedError(
                forKey: .metadata, in: container, debugDescription: "a list without resourceVersion")
        }
        self.version = version
        next = metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
        list = try KubeletPodList(from: decoder)
    }
}

import FoundationEssentials

/// One line of a watch.
enum WatchMessage<Object: Decodable> {
    /// An object as it is now, and the version it has.
    case changed(Object, version: String?)
    /// An object's last state.
    case deleted(Object, version: String?)
    /// Nothing changed up to this version.
    case bookmark(version: String)
    /// The server ends the watch: the code and the words of its Status.
    case failed(code: Int, message: String)
    /// Something else; an object that could not be read has a version.
    case unreadable(version: String?)

    /// Reads a line.
    init(_ line: [UInt8]) {
        guard let envelope = try? JSONDecoder().decode(WatchEnvelope<Object>.self, from: Data(line)) else {
            self = .unreadable(version: nil)
            return
        }
        let version = envelope.version
        switch (envelope.type, envelope.object) {
        case ("ADDED", let object?), ("MODIFIED", let object?): self = .changed(object, version: version)
        case ("DELETED", let object?): self = .deleted(object, version: version)
        case ("BOOKMARK", _): self = version.map { .bookmark(version: $0) } ?? .unreadable(version: nil)
        case ("ERROR", _):
            self = .failed(code: envelope.status?.code ?? 0, message: envelope.status?.message ?? "no reason given")
        default: self = .unreadable(version: version)
        }
    }
}

private struct WatchEnvelope<Object: Decodable>: Decodable {
    var type: String
    var version: String?
    var object: Object?
    var status: WatchStatus?

    private enum CodingKeys: String, CodingKey { case type, object }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decode(String.self, forKey: .type)
        let version = container.lenient(WatchedMetadata.self, .object)?.metadata?.resourceVersion
        self.version = version.flatMap { $0.isEmpty ? nil : $0 }
        switch type {
        case "ADDED", "MODIFIED", "DELETED": object = container.lenient(Object.self, .object)
        case "ERROR": status = container.lenient(WatchStatus.self, .object)
        default: break
        }
    }
}

private struct WatchedMetadata: Decodable {
    struct Metadata: Decodable {
        var resourceVersion: String?
    }

    var metadata: Metadata?
}

private struct WatchStatus: Decodable {
    var code: Int?
    var message: String?
}

/// One page of the API server's list of objects.
package struct ObjectPage<Object: Decodable>: Decodable {
    /// The version that a watch goes on from.
    package var version: String
    /// The next page's token; nil on the last one.
    package var next: String?
    /// The objects that could be read; none when `items` is null.
    package var objects: [Object]
    /// How many could not.
    package var unreadable: Int

    private enum CodingKeys: String, CodingKey { case metadata, items }

    /// Reads the API server's JSON; throws `DecodingError` when what identifies it is missing.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try container.decode(ListMetadata.self, forKey: .metadata)
        guard let version = metadata.resourceVersion, !version.isEmpty else {
            throw DecodingError.dataCorruptedError(
                forKey: .metadata, in: container, debugDescription: "a list without resourceVersion")
        }
        self.version = version
        next = metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
        if try container.decodeNil(forKey: .items) {
            (objects, unreadable) = ([], 0)
        } else {
            let list = try container.decode(LossyArray<Object>.self, forKey: .items)
            (objects, unreadable) = (list.elements, list.unreadable)
        }
    }
}

private struct ListMetadata: Decodable {
    var resourceVersion: String?
    var `continue`: String?
}

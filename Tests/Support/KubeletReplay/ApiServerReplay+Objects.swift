import Foundation
import Synchronization

/// Single objects of the API: read, made and patched by path, as far as rights go.
extension ApiServerReplay {
    /// Puts an object at its path, such as `/api/v1/namespaces/tocsin/configmaps/tocsin-ca`; nil takes it away.
    package func put(_ object: JSONValue?, at path: String) {
        shared.withLock { $0.objects[path] = object }
    }

    /// The object at a path.
    package func object(at path: String) -> JSONValue? {
        shared.withLock { $0.objects[path] }
    }

    static func verb(_ method: String, _ query: [String: String], isObject: Bool) -> Verb {
        switch method {
        case "POST": .create
        case "PATCH": .patch
        default: isObject ? .get : query["watch"] == nil ? .list : .watch
        }
    }

    /// Whether a path names an object rather than a collection: one that is there, or one below a known sort.
    static func namesObject(_ path: String, _ shared: Shared) -> Bool {
        if shared.objects[path] != nil || path.hasPrefix(nodes + "/") { return true }
        let parts = path.split(separator: "/")
        return parts.count == 6 && parts[2] == "namespaces" && ["configmaps", "pods"].contains(parts[4])
    }

    /// A node of the collection by the name that ends its path.
    private static func node(_ path: String, _ shared: Shared) -> JSONValue? {
        guard path.hasPrefix(nodes + "/") else { return nil }
        let name = path.dropFirst(nodes.count + 1)
        return shared.collections[nodes]?.items.values.first { $0["metadata"]?["name"]?.text == String(name) }
    }

    static func object(_ verb: Verb, _ path: String, _ body: [UInt8], _ shared: inout Shared) -> Reply {
        if path == "/apis/authentication.k8s.io/v1/tokenreviews" {
            return .whole(status: 201, body: shared.accounts.review(body).bytes)
        }
        switch verb {
        case .create:
            guard let object = try? JSONValue(parsing: body), let name = object["metadata"]?["name"]?.text else {
                return .whole(status: 400, body: status(400, "BadRequest", "the object has no name"))
            }
            let place = "\(path)/\(name)"
            guard shared.objects[place] == nil else {
                return .whole(status: 409, body: status(409, "AlreadyExists", "\(name) already exists"))
            }
            shared.objects[place] = object
            return .whole(status: 201, body: object.bytes)
        case .patch:
            guard let patch = try? JSONValue(parsing: body), let found = shared.objects[path] else {
                return .whole(status: 404, body: status(404, "NotFound", "not found"))
            }
            let merged = found.merged(with: patch)
            shared.objects[path] = merged
            return .whole(status: 200, body: merged.bytes)
        case .get, .list, .watch:
            guard let found = shared.objects[path] ?? node(path, shared) else {
                return .whole(status: 404, body: status(404, "NotFound", "not found"))
            }
            return .whole(status: 200, body: found.bytes)
        }
    }
}

extension JSONValue {
    /// RFC 7386: members of objects are replaced one by one, null takes one away.
    func merged(with patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members: [String: JSONValue] = [:]
        if case .object(let present) = self { members = present }
        for (name, change) in changes {
            members[name] = change == .null ? nil : (members[name] ?? .null).merged(with: change)
        }
        return .object(members)
    }
}

import Foundation
import Yams

/// The published shapes of Kubernetes objects, as far as our manifests use them, and the check of a document against
/// them: unknown fields, wrong types and missing required fields.
struct KubernetesSchema {
    private let schemas: [String: [String: Any]]
    private let kinds: [String: String]

    init(file: String) throws {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
        guard let document = object as? [String: Any], let schemas = document["schemas"] as? [String: [String: Any]],
            let kinds = document["kinds"] as? [String: String]
        else { throw DeployProblem("\(file) holds no schemas") }
        self.schemas = schemas
        self.kinds = kinds
    }

    /// What is wrong with an object, each with its path; empty when it fits.
    func problems(of object: Any) -> [String] {
        guard let mapping = object as? [String: Any], let version = mapping["apiVersion"] as? String,
            let kind = mapping["kind"] as? String
        else { return ["no apiVersion and kind"] }
        guard let name = kinds["\(version) \(kind)"], let schema = schemas[name] else {
            return ["\(version) \(kind) is not a kind that the schemas know"]
        }
        return problems(of: object, schema, at: kind)
    }

    private func problems(of value: Any, _ schema: [String: Any], at path: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            let name = reference.split(separator: "/").last.map(String.init) ?? ""
            guard let target = schemas[name] else { return ["\(path): the schemas lack \(name)"] }
            return problems(of: value, target, at: path)
        }
        if let parts = schema["allOf"] as? [[String: Any]] {
            return parts.flatMap { problems(of: value, $0, at: path) }
        }
        if let choices = schema["oneOf"] as? [[String: Any]] {
            let fits = choices.contains { problems(of: value, $0, at: path).isEmpty }
            return fits ? [] : ["\(path): \(value) has none of the allowed types"]
        }
        switch schema["type"] as? String {
        case "object": return objectProblems(of: value, schema, at: path)
        case "array":
            guard let items = value as? [Any] else { return ["\(path): a list is wanted"] }
            let item = schema["items"] as? [String: Any] ?? [:]
            return items.enumerated().flatMap { problems(of: $1, item, at: "\(path)[\($0)]") }
        case "string":
            guard let text = value as? String else { return ["\(path): \(value) is no text"] }
            if let allowed = schema["enum"] as? [String], !allowed.contains(text) {
                return ["\(path): \(text) is none of \(allowed)"]
            }
            return []
        case "integer": return value is Int ? [] : ["\(path): \(value) is no whole number"]
        case "number": return value is Int || value is Double ? [] : ["\(path): \(value) is no number"]
        case "boolean": return value is Bool ? [] : ["\(path): \(value) is neither true nor false"]
        default: return []
        }
    }

    private func objectProblems(of value: Any, _ schema: [String: Any], at path: String) -> [String] {
        guard let mapping = value as? [String: Any] else { return ["\(path): a mapping is wanted"] }
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        let others = schema["additionalProperties"] as? [String: Any]
        var problems = (schema["required"] as? [String] ?? []).filter { mapping[$0] == nil }.map {
            "\(path).\($0) is missing"
        }
        for (key, child) in mapping.sorted(by: { $0.key < $1.key }) {
            if let known = properties[key] ?? others {
                problems += self.problems(of: child, known, at: "\(path).\(key)")
            } else if !properties.isEmpty {
                problems.append("\(path).\(key) is no field of it")
            }
        }
        return problems
    }
}

/// A manifest that cannot be judged.
struct DeployProblem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// The files of `deploy/kubernetes`.
enum Manifests {
    static let root: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url = url.deletingLastPathComponent() }
        return url.path
    }()

    static var schema: KubernetesSchema {
        get throws { try KubernetesSchema(file: "\(root)/Tests/Fixtures/k8s/openapi/schemas.json") }
    }

    /// The kustomization of a folder below `deploy/kubernetes`; "" is the base.
    static func kustomization(_ folder: String = "") throws -> [String: Any] {
        try mapping(load("\(folder.isEmpty ? "" : folder + "/")kustomization.yaml").first)
    }

    /// All objects of the base, in the order of its list.
    static func base() throws -> [[String: Any]] {
        let files = try kustomization()["resources"] as? [String] ?? []
        return try files.map(load).joined().map(mapping)
    }

    /// The documents of one file.
    static func load(_ file: String) throws -> [Any] {
        let text = try String(contentsOfFile: "\(root)/deploy/kubernetes/\(file)", encoding: .utf8)
        return try Array(Yams.load_all(yaml: text)).compactMap { $0 }
    }

    /// The ConfigMaps that a pod mounts, alone or projected; without the one that every namespace has.
    static func configMaps(of pod: Any?) -> Set<String> {
        let volumes = list(pod, "volumes")
        let sources = volumes + volumes.flatMap { list($0, "projected.sources") }
        return Set(sources.compactMap { value($0, "configMap.name") as? String }).subtracting(["kube-root-ca.crt"])
    }

    static func mapping(_ value: Any?) throws -> [String: Any] {
        guard let mapping = value as? [String: Any] else { throw DeployProblem("a mapping is wanted") }
        return mapping
    }

    /// The value at a path of keys; nil where a key is missing.
    static func value(_ object: Any?, _ path: String) -> Any? {
        path.split(separator: ".").reduce(object) { current, key in (current as? [String: Any])?[String(key)] }
    }

    static func list(_ object: Any?, _ path: String) -> [[String: Any]] {
        value(object, path) as? [[String: Any]] ?? []
    }
}

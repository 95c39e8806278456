import FoundationEssentials
package import Probing
import Telemetry

/// Keeps one entry of a ConfigMap as it should be; what else is in it stays.
package struct ConfigMapWriter: Sendable {
    /// What there was to do.
    package enum Outcome: Sendable, Hashable {
        /// The entry was as it should be.
        case unchanged
        /// The entry was written.
        case written
        /// There was no such ConfigMap; it was made.
        case created
    }

    private let client: KubernetesClient
    private let namespace: String
    private let name: String

    /// Names a ConfigMap at an endpoint, whose token must be allowed to get and patch it, and to create it where it
    /// may be missing.
    package init(namespace: String, name: String, at endpoint: KubernetesEndpoint, fetcher: any HTTPFetching) {
        client = KubernetesClient(endpoint, fetcher: fetcher)
        self.namespace = namespace
        self.name = name
    }

    /// Sees to it that the entry has this text.
    package func keep(_ entry: String, _ text: String) async -> Result<Outcome, KubernetesClient.Problem> {
        let collection = "/api/v1/namespaces/\(QueryText.escaped(namespace))/configmaps"
        let path = "\(collection)/\(QueryText.escaped(name))"
        let content = ConfigMap(
            metadata: ConfigMap.Metadata(name: name, namespace: namespace), data: [entry: text])
        guard let body = try? JSONEncoder().encode(content) else {
            return .failure(KubernetesClient.Problem(failureClass: .internal, message: "\(entry) cannot be encoded"))
        }
        switch await client.get(path) {
        case .success(let bytes):
            let found = try? JSONDecoder().decode(Found.self, from: Data(bytes))
            if found?.data?[entry] == text { return .success(.unchanged) }
            return await client.send([UInt8](body), to: path, as: .mergePatch).map { _ in .written }
        case .failure(let problem) where problem.status == 404:
            return await client.send([UInt8](body), to: collection, as: .create).map { _ in .created }
        case .failure(let problem):
            return .failure(problem)
        }
    }

    private struct ConfigMap: Encodable {
        struct Metadata: Encodable {
            var name: String
            var namespace: String
        }

        var apiVersion = "v1"
        var kind = "ConfigMap"
        var metadata: Metadata
        var data: [String: String]
    }

    private struct Found: Decodable {
        var data: [String: String]?
    }
}

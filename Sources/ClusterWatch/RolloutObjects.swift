import KubernetesAPI
package import Telemetry

/// A ReplicaSet of a Deployment, as far as rollouts are concerned.
package struct ReplicaSetState: Decodable, Hashable, Sendable {
    /// Its own id.
    package var uid: String
    /// Its namespace.
    package var namespace: String
    /// Its name: the Deployment's, a dash, the hash.
    package var name: String
    /// Id of the Deployment that owns it; nil when none does.
    package var owner: String?
    /// Name of that Deployment.
    package var ownerName: String
    /// Number of the Deployment's template that it stands for; nil before the controller has set it.
    package var revision: Int?
    /// `pod-template-hash`.
    package var hash: String
    /// `CONTAINER=IMAGE` of each container, by commas.
    package var images: String
    /// When it was made.
    package var createdAt: Timestamp?
    /// Whether it stood for an earlier revision before, as after a roll back: then it is older than its rollout.
    package var isReused: Bool

    private enum CodingKeys: String, CodingKey { case metadata, spec }

    private struct Metadata: Decodable {
        var uid: String
        var namespace: String
        var name: String
        var creationTimestamp: String?
        var labels: [String: String]?
        var annotations: RolloutAnnotations?
        var ownerReferences: [Owner]?
    }

    private struct Owner: Decodable {
        var kind: String
        var name: String
        var uid: String
        var controller: Bool?
    }

    private struct Spec: Decodable {
        struct Template: Decodable { var spec: Pod? }
        struct Pod: Decodable { var containers: LossyArray<Container>? }
        struct Container: Decodable {
            var name: String
            var image: String
        }

        var template: Template?
    }

    /// Longest list of images.
    private static let imagesBytesMax = 1000

    /// Reads the API server's JSON; throws `DecodingError` when what identifies it is missing.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try container.decode(Metadata.self, forKey: .metadata)
        (uid, namespace, name) = (metadata.uid, metadata.namespace, metadata.name)
        let owner = metadata.ownerReferences?.first { $0.controller == true && $0.kind == "Deployment" }
        (self.owner, ownerName) = (owner?.uid, owner?.name ?? "")
        revision = metadata.annotations?.revision
        isReused = metadata.annotations?.history != nil
        hash = metadata.labels?["pod-template-hash"] ?? ""
        createdAt = KubernetesTime.parse(metadata.creationTimestamp)
        let pods = container.lenient(Spec.self, .spec)?.template?.spec?.containers?.elements ?? []
        images = ClippedText.line(
            pods.map { "\($0.name)=\($0.image)" }.joined(separator: ","), bytesMax: Self.imagesBytesMax)
    }
}

/// A Deployment, as far as the end of a rollout is concerned.
package struct DeploymentState: Decodable, Hashable, Sendable {
    /// How far a rollout is.
    package enum Progress: Hashable, Sendable {
        /// Under way, or unknown.
        case unsettled
        /// All pods are new and available.
        case finished
        /// No progress within the deadline, with the reason in words.
        case stuck(String)
    }

    /// Its id.
    package var uid: String
    /// Its namespace.
    package var namespace: String
    /// Its name.
    package var name: String
    /// Number of its template; nil before the controller has set it.
    package var revision: Int?
    /// How far the rollout of that revision is.
    package var progress: Progress
    /// Since when it is so.
    package var progressAt: Timestamp?

    private enum CodingKeys: String, CodingKey { case metadata, status }

    private struct Metadata: Decodable {
        var uid: String
        var namespace: String
        var name: String
        var generation: Int?
        var annotations: RolloutAnnotations?
    }

    private struct Status: Decodable {
        var observedGeneration: Int?
        var conditions: LossyArray<Condition>?
    }

    private struct Condition: Decodable {
        var type: String
        var status: String
        var reason: String?
        var message: String?
        var lastUpdateTime: String?
    }

    /// Reads the API server's JSON; throws `DecodingError` when what identifies it is missing.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try container.decode(Metadata.self, forKey: .metadata)
        (uid, namespace, name) = (metadata.uid, metadata.namespace, metadata.name)
        revision = metadata.annotations?.revision
        let status = container.lenient(Status.self, .status)
        let condition = status?.conditions?.elements.first { $0.type == "Progressing" }
        progressAt = KubernetesTime.parse(condition?.lastUpdateTime)
        // The annotation is ahead of the status: conditions of an older generation speak of the revision before.
        let isCurrent = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
        progress =
            switch (isCurrent, condition?.status, condition?.reason) {
            case (true, "True", "NewReplicaSetAvailable"): .finished
            case (true, "False", "ProgressDeadlineExceeded"):
                .stuck(ClippedText.line(condition?.message ?? "", bytesMax: 500))
            default: .unsettled
            }
    }
}

/// Annotations of the deployment controller.
private struct RolloutAnnotations: Decodable {
    var revision: Int?
    var history: String?

    private enum CodingKeys: String, CodingKey {
        case revision = "deployment.kubernetes.io/revision"
        case history = "deployment.kubernetes.io/revision-history"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        revision = container.lenient(String.self, .revision).flatMap { Int($0) }
        history = container.lenient(String.self, .history).flatMap { $0.isEmpty ? nil : $0 }
    }
}

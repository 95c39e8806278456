import KubernetesAPI
import Telemetry

/// The kubelet's answer to `GET /pods`, as far as the probe needs it.
struct KubeletPodList: Decodable {
    /// The pods, in the kubelet's random order; empty when `items` is null, as just after a kubelet start.
    var pods: [KubeletPod]
    /// Elements without name, namespace or uid.
    var unreadable: Int

    private enum CodingKeys: String, CodingKey { case items }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if try container.decodeNil(forKey: .items) {
            (pods, unreadable) = ([], 0)
        } else {
            let list = try container.decode(LossyArray<KubeletPod>.self, forKey: .items)
            (pods, unreadable) = (list.elements, list.unreadable)
        }
    }
}

/// One pod as its kubelet knows it.
struct KubeletPod: Decodable {
    /// The controlling owner.
    struct Owner: Decodable {
        var kind: String
        var name: String
        var controller: Bool?
    }

    var namespace: String
    var name: String
    var uid: String
    /// Under which the kubelet's usage speaks of it: a mirror pod's static pod has another uid than the mirror.
    var usageUID: String
    var isDeleting: Bool
    /// Whether the API server is where the kubelet has the pod from; else it is a static pod.
    var isFromAPI: Bool
    var owner: Owner?
    /// `pod-template-hash`, or the same of Argo Rollouts.
    var templateHash: String?
    /// Whether the hash is that of Argo Rollouts.
    var isArgoRollout: Bool
    /// Revision hash of a DaemonSet's or StatefulSet's pod.
    var controllerRevision: String?
    var createdAt: Timestamp?
    /// When the kubelet took the pod on.
    var startedAt: Timestamp?
    var usesHostNetwork: Bool
    /// IP address, nil before it has one.
    var address: String?
    /// By which it asks to be probed.
    var annotations: PodAnnotations?
    var phase: String
    var reason: String
    /// The Ready condition's truth, reason and time of its last change.
    var isReady: Bool
    var readyReason: String
    var readyChangedAt: Timestamp?
    var containers: [KubeletContainer]

    /// Succeeded or Failed: nothing of it will run again.
    var isFinished: Bool { phase == "Succeeded" || phase == "Failed" }

    private enum CodingKeys: String, CodingKey { case metadata, spec, status }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try container.decode(PodMetadata.self, forKey: .metadata)
        let spec = container.lenient(PodSpec.self, .spec)
        let status = container.lenient(PodStatus.self, .status)
        (namespace, name, uid) = (metadata.namespace, metadata.name, metadata.uid)
        usageUID = metadata.annotations?.mirror ?? metadata.uid
        isDeleting = metadata.deletionTimestamp != nil
        let source = metadata.annotations?.source
        isFromAPI = source == nil || source == "api"
        let owners = metadata.ownerReferences
        owner = owners.first { $0.controller == true } ?? owners.first
        let labels = metadata.labels
        templateHash = labels?.rolloutsTemplateHash ?? labels?.templateHash
        isArgoRollout = labels?.rolloutsTemplateHash != nil
        controllerRevision = labels?.controllerRevision
        createdAt = KubernetesTime.parse(metadata.creationTimestamp)
        startedAt = KubernetesTime.parse(status?.startTime)
        usesHostNetwork = spec?.hostNetwork ?? false
        address = status?.podIP.flatMap { $0.isEmpty ? nil : $0 }
        annotations = metadata.annotations?.probing
        phase = status?.phase ?? ""
        reason = status?.reason ?? ""
        let ready = status?.conditions.first { $0.type == "Ready" }
        isReady = ready?.status == "True"
        readyReason = ready?.reason ?? ""
        readyChangedAt = KubernetesTime.parse(ready?.lastTransitionTime)
        containers = KubeletContainer.all(spec: spec, status: status)
    }
}

struct PodMetadata: Decodable {
    struct Labels: Decodable {
        var templateHash: String?
        var rolloutsTemplateHash: String?
        var controllerRevision: String?

        enum CodingKeys: String, CodingKey {
            case templateHash = "pod-template-hash"
            case rolloutsTemplateHash = "rollouts-pod-template-hash"
            case controllerRevision = "controller-revision-hash"
        }
    }

    struct Annotations: Decodable {
        var source: String?
        var mirror: String?
        /// Nil when the pod asks for nothing, as most do.
        var probing: PodAnnotations?

        enum CodingKeys: String, CodingKey {
            case source = "kubernetes.io/config.source"
            case mirror = "kubernetes.io/config.mirror"
            case actuator = "tocsin.dev/actuator"
            case scrape = "prometheus.io/scrape"
            case port = "prometheus.io/port"
            case path = "prometheus.io/path"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            source = container.lenient(String.self, .source)
            mirror = container.lenient(String.self, .mirror)
            let actuator = container.lenient(String.self, .actuator)
            let scrape = container.lenient(String.self, .scrape)
            guard actuator != nil || scrape != nil else { return }
            probing = PodAnnotations(
                actuator: actuator, scrape: scrape, port: container.lenient(String.self, .port),
                path: container.lenient(String.self, .path))
        }
    }

    var namespace: String
    var name: String
    var uid: String
    var creationTimestamp: String?
    var deletionTimestamp: String?
    var labels: Labels?
    var annotations: Annotations?
    var ownerReferences: [KubeletPod.Owner]

    private enum CodingKeys: String, CodingKey {
        case namespace, name, uid, creationTimestamp, deletionTimestamp, labels, annotations, ownerReferences
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        namespace = try container.decode(String.self, forKey: .namespace)
        name = try container.decode(String.self, forKey: .name)
        uid = try container.decode(String.self, forKey: .uid)
        creationTimestamp = container.lenient(String.self, .creationTimestamp)
        deletionTimestamp = container.lenient(String.self, .deletionTimestamp)
        labels = container.lenient(Labels.self, .labels)
        annotations = container.lenient(Annotations.self, .annotations)
        ownerReferences = container.lenientArray(KubeletPod.Owner.self, .ownerReferences)
    }
}

struct PodSpec: Decodable {
    struct Container: Decodable {
        var name: String
        /// `Always` on an init container makes it a sidecar.
        var restartPolicy: String?
        var memoryLimit: Double?

        private enum CodingKeys: String, CodingKey { case name, restartPolicy, resources }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            restartPolicy = container.lenient(String.self, .restartPolicy)
            memoryLimit = container.lenient(ResourceLimits.self, .resources)?.memory
        }
    }

    var hostNetwork: Bool?
    var containers: [Container]
    var initContainers: [Container]

    private enum CodingKeys: String, CodingKey { case hostNetwork, containers, initContainers }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        hostNetwork = container.lenient(Bool.self, .hostNetwork)
        containers = container.lenientArray(Container.self, .containers)
        initContainers = container.lenientArray(Container.self, .initContainers)
    }
}

/// The `resources` of a container; only the memory limit is read.
struct ResourceLimits: Decodable {
    /// Bytes; nil without a limit, and for 0, which Kubernetes takes as none.
    var memory: Double?

    private enum CodingKeys: String, CodingKey { case limits }
    private enum LimitKeys: String, CodingKey { case memory }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let limits = try? container.nestedContainer(keyedBy: LimitKeys.self, forKey: .limits) else { return }
        let bytes = limits.lenient(String.self, .memory).flatMap(Quantity.parse) ?? limits.lenient(Double.self, .memory)
        memory = bytes.flatMap { $0 > 0 ? $0 : nil }
    }
}

struct PodStatus: Decodable {
    struct Condition: Decodable {
        var type: String
        var status: String?
        var reason: String?
        var lastTransitionTime: String?
    }

    var phase: String?
    var reason: String?
    var startTime: String?
    var podIP: String?
    var conditions: [Condition]
    var containerStatuses: [ContainerStatus]
    var initContainerStatuses: [ContainerStatus]

    private enum CodingKeys: String, CodingKey {
        case phase, reason, startTime, podIP, conditions, containerStatuses, initContainerStatuses
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        phase = container.lenient(String.self, .phase)
        reason = container.lenient(String.self, .reason)
        startTime = container.lenient(String.self, .startTime)
        podIP = container.lenient(String.self, .podIP)
        conditions = container.lenientArray(Condition.self, .conditions)
        containerStatuses = container.lenientArray(ContainerStatus.self, .containerStatuses)
        initContainerStatuses = container.lenientArray(ContainerStatus.self, .initContainerStatuses)
    }
}

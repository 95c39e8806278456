import KubernetesAPI
import Telemetry

/// One container of a pod: its place in the spec beside its status.
struct KubeletContainer {
    /// What a container is to its pod.
    enum Role {
        /// An application container, or a sidecar (an init container that is restarted always).
        case main
        /// An init container that has to end before the others start.
        case initialization
    }

    var name: String
    var role: Role
    /// Bytes, from the status where it has it (a resize shows there), else from the spec.
    var memoryLimit: Double?
    /// Nil until the kubelet has one.
    var status: ContainerStatus?

    /// The containers of a pod in the order of the spec; ephemeral (debug) containers are left out.
    static func all(spec: PodSpec?, status: PodStatus?) -> [KubeletContainer] {
        let initial = (spec?.initContainers ?? []).map { container in
            let role: Role = container.restartPolicy == "Always" ? .main : .initialization
            return make(container, role, status?.initContainerStatuses ?? [])
        }
        return initial + (spec?.containers ?? []).map { make($0, .main, status?.containerStatuses ?? []) }
    }

    private static func make(_ spec: PodSpec.Container, _ role: Role, _ statuses: [ContainerStatus]) -> KubeletContainer
    {
        let status = statuses.first { $0.name == spec.name }
        return KubeletContainer(
            name: spec.name, role: role, memoryLimit: status?.memoryLimit ?? spec.memoryLimit, status: status)
    }
}

/// A container's state and the state before it.
struct ContainerStatus: Decodable {
    /// A run that ended.
    struct Terminated: Decodable, Hashable {
        var reason: String?
        var exitCode: Int?
        var signal: Int?
        var startedAt: String?
        var finishedAt: String?
        var containerID: String?
    }

    struct Running: Decodable, Hashable {
        var startedAt: String?
    }

    struct Waiting: Decodable, Hashable {
        var reason: String?
    }

    struct State: Decodable {
        var waiting: Waiting?
        var running: Running?
        var terminated: Terminated?

        private enum CodingKeys: String, CodingKey { case waiting, running, terminated }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            waiting = container.lenient(Waiting.self, .waiting)
            running = container.lenient(Running.self, .running)
            terminated = container.lenient(Terminated.self, .terminated)
        }
    }

    var name: String
    var restartCount: Int
    var isReady: Bool
    var image: String
    var containerID: String?
    var state: State?
    var lastState: State?
    var memoryLimit: Double?

    private enum CodingKeys: String, CodingKey {
        case name, restartCount, ready, image, containerID, state, lastState, resources
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        restartCount = max(0, container.lenient(Int.self, .restartCount) ?? 0)
        isReady = container.lenient(Bool.self, .ready) ?? false
        image = container.lenient(String.self, .image) ?? ""
        containerID = container.lenient(String.self, .containerID)
        state = container.lenient(State.self, .state)
        lastState = container.lenient(State.self, .lastState)
        memoryLimit = container.lenient(ResourceLimits.self, .resources)?.memory
    }
}

extension ContainerStatus {
    /// One run of a container: from a start to an end, known by the runtime's container id.
    struct Run {
        var id: String
        var startedAt: Timestamp?
        /// Nil while it runs.
        var end: Terminated?
    }

    /// The runs that the status speaks of, oldest first: at most the one before and the present one.
    var runs: [Run] {
        var runs: [Run] = []
        if let ended = lastState?.terminated { runs.append(Self.run(ended)) }
        if let ended = state?.terminated {
            runs.append(Self.run(ended))
        } else if let running = state?.running {
            let id = containerID.flatMap { $0.isEmpty ? nil : $0 } ?? running.startedAt ?? ""
            runs.append(Run(id: id, startedAt: KubernetesTime.parse(running.startedAt), end: nil))
        }
        return runs
    }

    /// How many runs have ended so far: `restartCount` numbers the newest run, which is over unless it runs.
    var endedRuns: Int {
        if state?.running != nil { return restartCount }
        if state?.terminated != nil || lastState?.terminated != nil { return restartCount + 1 }
        return restartCount
    }

    /// Why the container waits; empty when it does not, or waits as every container does before its first start.
    var waitingReason: String {
        let reason = state?.waiting?.reason ?? ""
        return reason == "ContainerCreating" || reason == "PodInitializing" ? "" : reason
    }

    private static func run(_ ended: Terminated) -> Run {
        let id = ended.containerID.flatMap { $0.isEmpty ? nil : $0 }
        let startedAt = KubernetesTime.parse(ended.startedAt)
        let fallback = startedAt == nil ? ended.finishedAt : ended.startedAt
        return Run(id: id ?? fallback ?? "", startedAt: startedAt, end: ended)
    }
}

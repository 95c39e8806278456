import Synchronization
import Telemetry

/// What the pods of a node ask to have probed.
package struct PodDiscovery: Hashable, Sendable {
    /// The endpoints, by namespace and pod.
    package var endpoints: [AnnotatedEndpoint] = []
    /// Pods whose annotations name none, with the reason: `NAMESPACE/POD: …`.
    package var problems: [String] = []

    /// Nothing is asked for.
    package init() {}

    /// Looks at pods that run: one that is being deleted, has ended or has no address yet is not probed.
    ///
    /// - Parameter identity: labels of a pod, nil when it is not followed.
    init(_ pods: some Sequence<KubeletPod>, identity: (KubeletPod) -> LabelSet?) {
        for pod in pods where pod.phase == "Running" && !pod.isDeleting {
            guard let address = pod.address, let labels = identity(pod) else { continue }
            switch pod.annotations?.endpoint(address: address, labels: labels) {
            case .success(let endpoint): endpoints.append(endpoint)
            case .failure(let problem): problems.append("\(pod.namespace)/\(pod.name): \(problem.message)")
            case nil: break
            }
        }
        endpoints.sort { $0.name < $1.name }
        problems.sort()
    }
}

/// Where a probe says what its pods ask for: to be called with each change, and at once with the state so far.
final class DiscoveryOutlet: Sendable {
    private struct State {
        var target: (@Sendable (PodDiscovery) -> Void)?
        var last = PodDiscovery()
    }

    private let state = Mutex(State())

    func connect(_ take: @escaping @Sendable (PodDiscovery) -> Void) {
        let last = state.withLock { state in
            state.target = take
            return state.last
        }
        take(last)
    }

    /// Hands on what differs from the call before.
    func send(_ discovery: PodDiscovery) {
        let take = state.withLock { state -> (@Sendable (PodDiscovery) -> Void)? in
            guard state.last != discovery else { return nil }
            state.last = discovery
            return state.target
        }
        take?(discovery)
    }
}

/// A probe whose pods may ask to be probed themselves.
package protocol DiscoveringProbe: Sendable {
    /// Hands the state and every later change of it to `outlet`, which neither blocks nor waits.
    func discovers(to outlet: @escaping @Sendable (PodDiscovery) -> Void)
}

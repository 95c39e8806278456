package import Foundation

// What can happen on a node, as the kubelet would show it.
extension KubeletState {
    /// The kernel kills a container for memory and the kubelet starts it again at once.
    package mutating func oomKill(pod: String, container: String, at date: Date = .now) throws {
        try endRun(pod: pod, container: container, reason: "OOMKilled", exitCode: 137, at: date)
        try startRun(pod: pod, container: container, at: date)
    }

    /// A container ends, and its pod is not ready from then on.
    ///
    /// With `thenWaiting`, such as `CrashLoopBackOff`, the kubelet is already holding it back; else it
    /// shows as terminated.
    package mutating func endRun(
        pod: String, container: String, reason: String, exitCode: Int, thenWaiting: String? = nil, at date: Date = .now
    ) throws {
        try editContainer(pod: pod, container: container) { status in
            var end: JSONValue = .object([
                "exitCode": .int(Int64(exitCode)), "reason": .string(reason),
                "finishedAt": .string(KubeletTime.text(date)),
            ])
            end["startedAt"] = status["state"]?["running"]?["startedAt"] ?? .string(KubeletTime.text(date))
            end["containerID"] = status["containerID"]
            status["ready"] = .bool(false)
            if let reason = thenWaiting {
                status["lastState"] = .object(["terminated": end])
                status["state"] = .object(["waiting": .object(["reason": .string(reason)])])
            } else {
                status["state"] = .object(["terminated": end])
            }
        }
        try setReadyCondition(pod: pod, false, at: date)
    }

    /// A container that ended starts again, with a restart more; the pod is ready again.
    package mutating func startRun(pod: String, container: String, at date: Date = .now) throws {
        let id = newContainerID()
        try editContainer(pod: pod, container: container) { status in
            if let end = status["state"]?["terminated"] { status["lastState"] = .object(["terminated": end]) }
            status["state"] = .object(["running": .object(["startedAt": .string(KubeletTime.text(date))])])
            status["containerID"] = .string(id)
            status["restartCount"] = .int(Int64(status["restartCount"]?.number ?? 0) + 1)
            status["ready"] = .bool(true)
        }
        try setReadyCondition(pod: pod, true, at: date)
    }

    /// A waiting container's reason, such as `ImagePullBackOff`; the pod is not ready.
    package mutating func setWaiting(pod: String, container: String, reason: String, at date: Date = .now) throws {
        try editContainer(pod: pod, container: container) { status in
            status["state"] = .object(["waiting": .object(["reason": .string(reason)])])
            status["ready"] = .bool(false)
        }
        try setReadyCondition(pod: pod, false, at: date)
    }

    /// The readiness probes of all of a pod's containers fail, or succeed again.
    package mutating func setReady(pod: String, _ ready: Bool, at date: Date = .now) throws {
        try editPod(pod) { pod in
            pod["status"]?.mapElements("containerStatuses") { $0["ready"] = .bool(ready) }
        }
        try setReadyCondition(pod: pod, ready, at: date)
    }

    /// A pod's phase and, as for `Failed` with `Evicted`, the reason.
    package mutating func setPhase(pod: String, _ phase: String, reason: String? = nil) throws {
        try editPod(pod) { pod in
            pod["status"]?["phase"] = .string(phase)
            pod["status"]?["reason"] = reason.map { .string($0) }
        }
    }

    /// What a container has in memory.
    package mutating func setWorkingSet(pod: String, container: String, bytes: Int64) throws {
        try editUsage(pod: pod, container: container) { usage in
            usage["memory"]?["workingSetBytes"] = .int(bytes)
            usage["memory"]?["usageBytes"] = .int(bytes)
            usage["memory"]?["rssBytes"] = .int(bytes / 10 * 9)
        }
    }

    /// A container's memory limit as a quantity, such as `512Mi`; nil takes it away.
    package mutating func setMemoryLimit(pod: String, container: String, _ quantity: String?) throws {
        let limits = quantity.map { JSONValue.object(["memory": .string($0)]) }
        try editPod(pod) { pod in
            pod["spec"]?.mapElements("containers") { entry in
                if entry["name"]?.text == container { entry["resources"]?["limits"] = limits }
            }
        }
        try editContainer(pod: pod, container: container) { $0["resources"]?["limits"] = limits }
    }

    /// A deletion is asked for: the pod stays until it is removed.
    package mutating func beginDeletion(pod: String, at date: Date = .now) throws {
        try editPod(pod) { $0["metadata"]?["deletionTimestamp"] = .string(KubeletTime.text(date)) }
    }

    /// A pod leaves the node.
    package mutating func remove(pod: String) throws {
        guard podNames.contains(pod) else { throw KubeletReplayError.noSuchPod(pod) }
        podList["items"] = .array(podList["items"]?.elements.filter { $0["metadata"]?["name"]?.text != pod } ?? [])
        stats["pods"] = .array(stats["pods"]?.elements.filter { $0["podRef"]?["name"]?.text != pod } ?? [])
    }

    /// Only these pods stay.
    package mutating func keepOnly(pods: Set<String>) throws {
        for name in podNames where !pods.contains(name) { try remove(pod: name) }
    }

    /// A pod comes: a copy of another one under a new name and uid, taken on by the kubelet at `date` with all its
    /// running containers started then and never restarted.
    package mutating func addPod(copyOf source: String, name: String, uid: String, at date: Date = .now) throws {
        var copy = JSONValue.null
        try editPod(source) { copy = $0 }
        copy["metadata"]?["name"] = .string(name)
        copy["metadata"]?["uid"] = .string(uid)
        copy["metadata"]?["creationTimestamp"] = .string(KubeletTime.text(date))
        copy["metadata"]?["deletionTimestamp"] = nil
        copy["status"]?["startTime"] = .string(KubeletTime.text(date))
        let statuses = copy["status"]?["containerStatuses"]?.elements ?? []
        var fresh: [JSONValue] = []
        for var status in statuses {
            status["restartCount"] = .int(0)
            status["lastState"] = .object([:])
            status["containerID"] = .string(newContainerID())
            if status["state"]?["running"] != nil {
                status["state"] = .object(["running": .object(["startedAt": .string(KubeletTime.text(date))])])
            }
            fresh.append(status)
        }
        copy["status"]?["containerStatuses"] = .array(fresh)
        podList["items"] = .array((podList["items"]?.elements ?? []) + [copy])
        if var usage = stats["pods"]?.elements.first(where: { $0["podRef"]?["name"]?.text == source }) {
            usage["podRef"]?["name"] = .string(name)
            usage["podRef"]?["uid"] = .string(uid)
            stats["pods"] = .array((stats["pods"]?.elements ?? []) + [usage])
        }
    }

    private mutating func setReadyCondition(pod: String, _ ready: Bool, at date: Date) throws {
        try editPod(pod) { pod in
            pod["status"]?.mapElements("conditions") { condition in
                guard ["Ready", "ContainersReady"].contains(condition["type"]?.text),
                    condition["status"]?.text != (ready ? "True" : "False")
                else { return }
                condition["status"] = .string(ready ? "True" : "False")
                condition["reason"] = ready ? nil : .string("ContainersNotReady")
                condition["lastTransitionTime"] = .string(KubeletTime.text(date))
            }
        }
    }
}

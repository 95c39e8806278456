import Telemetry

/// Names a pod's workload, `KIND/NAME`, from the pod alone: the agent has no right to read anything else.
enum WorkloadName {
    /// A CronJob's Job carries its scheduled minute since the epoch in the name, eight digits until the year 2160.
    private static let minuteDigits = 8
    /// A Job is made at its scheduled minute, or somewhat later when the controller was down.
    private static let cronLatenessMax = Duration.seconds(86_400)

    /// The workload that `pod` belongs to.
    ///
    /// - ReplicaSet with the pod's template hash as suffix → `Deployment/NAME` (`Rollout/NAME` for Argo's hash label).
    /// - Job whose name ends in the minute around its pod's creation → `CronJob/NAME`, so that runs share one workload;
    ///   else `Job/NAME`.
    /// - Static pod → `StaticPod/NAME` without the node's name, so that the same manifest on many nodes is one
    ///   workload.
    /// - Other owners by their own kind and name; no owner → `Pod/NAME`.
    static func of(_ pod: KubeletPod, node: String) -> String {
        guard pod.isFromAPI else { return "StaticPod/" + removing("-" + node, from: pod.name) }
        guard let owner = pod.owner else { return "Pod/" + pod.name }
        switch owner.kind {
        case "ReplicaSet":
            guard let hash = pod.templateHash, owner.name.hasSuffix("-" + hash) else { break }
            return (pod.isArgoRollout ? "Rollout/" : "Deployment/") + removing("-" + hash, from: owner.name)
        case "Job":
            guard let name = cronJobName(job: owner.name, createdAt: pod.createdAt) else { break }
            return "CronJob/" + name
        case "Node":
            return "StaticPod/" + removing("-" + owner.name, from: pod.name)
        default: break
        }
        return owner.kind + "/" + owner.name
    }

    private static func cronJobName(job: String, createdAt: Timestamp?) -> String? {
        guard let createdAt, let dash = job.lastIndex(of: "-"), dash != job.startIndex else { return nil }
        let digits = job[job.index(after: dash)...]
        guard digits.utf8.count == minuteDigits, let minute = Int64(digits) else { return nil }
        let late = createdAt - Timestamp(millis: minute * 60_000)
        return late >= .seconds(-60) && late <= cronLatenessMax ? String(job[..<dash]) : nil
    }

    private static func removing(_ suffix: String, from name: String) -> String {
        name.hasSuffix(suffix) && name.utf8.count > suffix.utf8.count ? String(name.dropLast(suffix.count)) : name
    }
}

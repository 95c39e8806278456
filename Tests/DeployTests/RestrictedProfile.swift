/// The pod security standard `restricted`, as Kubernetes documents it, on a pod's `spec`.
enum RestrictedProfile {
    private static let volumeTypes: Set<String> = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
    ]

    /// What breaks it; empty when the pod fits.
    ///
    /// A read-only root is asked for besides: the standard does not.
    static func problems(of pod: Any?) -> [String] {
        var problems: [String] = []
        for field in ["hostNetwork", "hostPID", "hostIPC"] where Manifests.value(pod, field) as? Bool == true {
            problems.append("\(field) is on")
        }
        for volume in Manifests.list(pod, "volumes") {
            for type in volume.keys where type != "name" && !volumeTypes.contains(type) {
                problems.append("volume \(volume["name"] ?? "") is a \(type)")
            }
        }
        let containers = Manifests.list(pod, "containers") + Manifests.list(pod, "initContainers")
        for container in containers {
            let name = container["name"] as? String ?? "?"
            func setting(_ field: String) -> Any? {
                Manifests.value(container, "securityContext.\(field)")
                    ?? Manifests.value(pod, "securityContext.\(field)")
            }
            if setting("allowPrivilegeEscalation") as? Bool != false {
                problems.append("\(name): privilege escalation is allowed")
            }
            if setting("privileged") as? Bool == true { problems.append("\(name): privileged") }
            if setting("runAsNonRoot") as? Bool != true { problems.append("\(name): may run as root") }
            if setting("runAsUser") as? Int == 0 { problems.append("\(name): runs as root") }
            if setting("readOnlyRootFilesystem") as? Bool != true { problems.append("\(name): its root is writable") }
            if setting("capabilities.drop") as? [String] != ["ALL"] { problems.append("\(name): keeps capabilities") }
            let seccomp = setting("seccompProfile.type") as? String
            if seccomp != "RuntimeDefault" && seccomp != "Localhost" { problems.append("\(name): no seccomp profile") }
            if container["resources"] == nil { problems.append("\(name): no resources") }
        }
        return problems
    }
}

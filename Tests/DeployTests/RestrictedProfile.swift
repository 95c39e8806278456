/// The pod security standard `restricted`, as Kubernetes documents it, on a pod's `spec`.
enum RestrictedProfile {
    private static let volumeTypes: Set<String> = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
    ]
    private static let selinuxTypes: Set<String> = [
        "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t",
    ]
    private static let sysctls: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
    ]

    /// What breaks it; empty when the pod fits.
    ///
    /// A read-only root and resources are asked for besides: the standard does not.
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
        for sysctl in Manifests.list(pod, "securityContext.sysctls") {
            let name = sysctl["name"] as? String ?? "?"
            if !sysctls.contains(name) { problems.append("sysctl \(name) is set") }
        }
        let containers = ["containers", "initContainers", "ephemeralContainers"].flatMap { Manifests.list(pod, $0) }
        for container in containers { problems += self.problems(of: container, in: pod) }
        return problems
    }

    private static func problems(of container: [String: Any], in pod: Any?) -> [String] {
        func setting(_ field: String) -> Any? {
            Manifests.value(container, "securityContext.\(field)") ?? Manifests.value(pod, "securityContext.\(field)")
        }
        var problems: [String] = []
        if setting("allowPrivilegeEscalation") as? Bool != false { problems.append("privilege escalation is allowed") }
        if setting("privileged") as? Bool == true { problems.append("privileged") }
        if setting("windowsOptions.hostProcess") as? Bool == true { problems.append("a process of the host") }
        if setting("runAsNonRoot") as? Bool != true { problems.append("may run as root") }
        if setting("runAsUser") as? Int == 0 { problems.append("runs as root") }
        if setting("readOnlyRootFilesystem") as? Bool != true { problems.append("its root is writable") }
        if setting("capabilities.drop") as? [String] != ["ALL"] { problems.append("keeps capabilities") }
        for added in setting("capabilities.add") as? [String] ?? [] where added != "NET_BIND_SERVICE" {
            problems.append("adds \(added)")
        }
        let seccomp = setting("seccompProfile.type") as? String
        if seccomp != "RuntimeDefault" && seccomp != "Localhost" { problems.append("no seccomp profile") }
        if let armor = setting("appArmorProfile.type") as? String, armor != "RuntimeDefault" && armor != "Localhost" {
            problems.append("AppArmor is \(armor)")
        }
        if let mount = setting("procMount") as? String, mount != "Default" { problems.append("/proc is \(mount)") }
        problems += selinuxProblems(setting("seLinuxOptions"))
        for port in Manifests.list(container, "ports") where port["hostPort"] as? Int ?? 0 != 0 {
            problems.append("takes the host's port \(port["hostPort"] ?? "")")
        }
        for handler in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"] {
            for action in ["httpGet", "tcpSocket"] {
                let host = Manifests.value(container, "\(handler).\(action).host") as? String ?? ""
                if !host.isEmpty { problems.append("\(handler) asks \(host)") }
            }
        }
        if container["resources"] == nil { problems.append("no resources") }
        return problems.map { "\(container["name"] as? String ?? "?"): \($0)" }
    }

    private static func selinuxProblems(_ options: Any?) -> [String] {
        var problems: [String] = []
        let type = Manifests.value(options, "type") as? String ?? ""
        if !selinuxTypes.contains(type) { problems.append("SELinux type \(type)") }
        for field in ["user", "role"] {
            let value = Manifests.value(options, field) as? String ?? ""
            if !value.isEmpty { problems.append("SELinux \(field) \(value)") }
        }
        return problems
    }
}

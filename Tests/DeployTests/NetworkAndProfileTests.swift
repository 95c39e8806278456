import Testing
import Yams

/// What the manifests let in, and what each component gives up of the restricted profile.
@Suite("Kubernetes network and profile")
struct NetworkAndProfileTests {
    private func workloads() throws -> [[String: Any]] {
        try Manifests.base().filter { ["DaemonSet", "StatefulSet"].contains($0["kind"] as? String) }
    }

    private func policies() throws -> [[String: Any]] {
        try Manifests.base().filter { $0["kind"] as? String == "NetworkPolicy" }
    }

    private func selects(_ policy: [String: Any], _ workload: [String: Any]) -> Bool {
        let wanted = Manifests.value(policy, "spec.podSelector.matchLabels") as? [String: String] ?? [:]
        let labels = Manifests.value(workload, "spec.template.metadata.labels") as? [String: String] ?? [:]
        return !wanted.isEmpty && wanted.allSatisfy { labels[$0.key] == $0.value }
    }

    @Test("every pod has one policy, which lets in its own ports and nothing else")
    func policiesFit() throws {
        let policies = try policies()
        #expect(policies.allSatisfy { Manifests.value($0, "spec.policyTypes") as? [String] == ["Ingress"] })
        for workload in try workloads() {
            let own = policies.filter { selects($0, workload) }
            #expect(own.count == 1)
            let containers = Manifests.list(workload, "spec.template.spec.containers")
            let ports = containers.flatMap { Manifests.list($0, "ports") }
            let admitted = own.flatMap { Manifests.list($0, "spec.ingress") }.flatMap { Manifests.list($0, "ports") }
            let known = ports.compactMap { $0["containerPort"] as? Int }
            let names = Dictionary(
                ports.compactMap { port in
                    (port["name"] as? String).flatMap { name in (port["containerPort"] as? Int).map { (name, $0) } }
                }, uniquingKeysWith: { first, _ in first })
            let numbers = admitted.compactMap { $0["port"] as? Int ?? ($0["port"] as? String).flatMap { names[$0] } }
            #expect(numbers.count == admitted.count && Set(numbers) == Set(known), "\(admitted)")
            // A rule without ports would let everything in.
            #expect(own.flatMap { Manifests.list($0, "spec.ingress") }.allSatisfy { $0["ports"] != nil })
        }
        #expect(try policies.count == workloads().count, "no policy without its pod")
    }

    @Test("the namespace of the base is restricted; only components that mount the host's files open it")
    func profileOfTheNamespace() throws {
        let namespace = try #require(try Manifests.base().first { $0["kind"] as? String == "Namespace" })
        let labels = Manifests.value(namespace, "metadata.labels") as? [String: String] ?? [:]
        for mode in ["enforce", "audit", "warn"] {
            #expect(labels["pod-security.kubernetes.io/\(mode)"] == "restricted")
        }
    }

    @Test(
        "a component gives up of the profile what it says and nothing more",
        arguments: [
            ("host-logs", ["volume pod-logs is a hostPath", "agent: may run as root", "agent: runs as root"]),
            ("self-signed-kubelet", ["volume kubelet-certificate is a hostPath"]),
        ])
    func componentsGiveUp(component: String, expected: [String]) throws {
        let agent = try #require(try workloads().first { $0["kind"] as? String == "DaemonSet" })
        var opensNamespace = false
        var merged = agent
        for patch in Manifests.list(try Manifests.kustomization("components/\(component)"), "patches") {
            let body = try Yams.load(yaml: patch["patch"] as? String ?? "")
            if let body = body as? [String: Any] { merged = Self.merged(merged, body) }
            let operations = body as? [[String: Any]] ?? []
            opensNamespace =
                opensNamespace
                || operations.contains {
                    $0["path"] as? String == "/metadata/labels/pod-security.kubernetes.io~1enforce"
                        && $0["value"] as? String == "privileged"
                }
        }
        let pod = Manifests.value(merged, "spec.template.spec")
        #expect(RestrictedProfile.problems(of: pod) == expected)
        #expect(opensNamespace, "the restricted namespace would refuse the pod")
        // What it mounts of the host it can only read.
        let mounts = Manifests.list(Manifests.list(pod, "containers").first, "volumeMounts")
        for volume in Manifests.list(pod, "volumes") where volume["hostPath"] != nil {
            let own = mounts.filter { $0["name"] as? String == volume["name"] as? String }
            #expect(!own.isEmpty && own.allSatisfy { $0["readOnly"] as? Bool == true })
        }
        #expect(try Manifests.schema.problems(of: merged).isEmpty)
    }

    @Test(
        "the check of the restricted profile finds each single thing that breaks it",
        arguments: [
            ("hostNetwork: true", "hostNetwork is on"), ("hostPID: true", "hostPID is on"),
            ("hostIPC: true", "hostIPC is on"),
            ("volumes: [{name: v, hostPath: {path: /}}]", "volume v is a hostPath"),
            ("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}", "sysctl kernel.msgmax is set"),
            ("securityContext: {runAsNonRoot: false}", "c: may run as root"),
            ("securityContext: {runAsUser: 0}", "c: runs as root"),
            ("securityContext: {seccompProfile: {type: Unconfined}}", "c: no seccomp profile"),
            ("securityContext: {appArmorProfile: {type: Unconfined}}", "c: AppArmor is Unconfined"),
            ("securityContext: {seLinuxOptions: {type: spc_t}}", "c: SELinux type spc_t"),
            ("securityContext: {seLinuxOptions: {user: sysadm_u}}", "c: SELinux user sysadm_u"),
            ("securityContext: {windowsOptions: {hostProcess: true}}", "c: a process of the host"),
            (own("allowPrivilegeEscalation: true"), "c: privilege escalation is allowed"),
            (own("privileged: true"), "c: privileged"),
            (own("readOnlyRootFilesystem: false"), "c: its root is writable"),
            (own("capabilities: {drop: [NET_RAW]}"), "c: keeps capabilities"),
            (own("capabilities: {add: [NET_BIND_SERVICE, SYS_PTRACE]}"), "c: adds SYS_PTRACE"),
            (own("procMount: Unmasked"), "c: /proc is Unmasked"),
            (own("seLinuxOptions: {role: sysadm_r}"), "c: SELinux role sysadm_r"),
            ("containers: [{name: c, ports: [{containerPort: 1, hostPort: 80}]}]", "c: takes the host's port 80"),
            ("containers: [{name: c, livenessProbe: {tcpSocket: {host: 10.0.0.1}}}]", "c: livenessProbe asks 10.0.0.1"),
            (
                "containers: [{name: c, lifecycle: {preStop: {httpGet: {host: a}}}}]", "c: lifecycle.preStop asks a"
            ),
            ("initContainers: [{name: i, resources: {}, securityContext: {privileged: true}}]", "i: privileged"),
            ("ephemeralContainers: [{name: e, resources: {}, securityContext: {privileged: true}}]", "e: privileged"),
        ])
    func theProfileCheckCanFail(change: String, expected: String) throws {
        let fitting = try Manifests.mapping(Yams.load(yaml: Self.fitting))
        #expect(RestrictedProfile.problems(of: fitting).isEmpty)
        let problems = RestrictedProfile.problems(
            of: Self.merged(fitting, try Manifests.mapping(Yams.load(yaml: change))))
        // A container that is added lacks the rest, too.
        let isAdded = change.contains("itContainers") || change.contains("ephemeral")
        #expect(isAdded ? problems.contains(expected) : problems == [expected])
    }

    private static func own(_ setting: String) -> String { "containers: [{name: c, securityContext: {\(setting)}}]" }

    private static let fitting = """
        securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}
        volumes: [{name: v, emptyDir: {}}]
        containers:
          - name: c
            resources: {}
            ports: [{containerPort: 1}]
            securityContext:
              allowPrivilegeEscalation: false
              readOnlyRootFilesystem: true
              capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
        """

    /// A strategic merge, as far as the patches need it: mappings by key, lists of named things by name.
    private static func merged(_ base: [String: Any], _ patch: [String: Any]) -> [String: Any] {
        base.merging(patch) { old, new in
            if let old = old as? [String: Any], let new = new as? [String: Any] { return merged(old, new) }
            guard var list = old as? [[String: Any]], let changes = new as? [[String: Any]] else { return new }
            for change in changes {
                let key = change["mountPath"] == nil ? "name" : "mountPath"
                if let index = list.firstIndex(where: { $0[key] as? String == change[key] as? String }) {
                    list[index] = merged(list[index], change)
                } else {
                    list.append(change)
                }
            }
            return list
        }
    }
}

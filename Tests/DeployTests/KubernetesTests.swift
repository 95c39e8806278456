import Foundation
import Testing
import Yams

/// The Kubernetes manifests, field by field against the shapes that a 1.36 API server published, and against what they
/// promise: the restricted profile, least rights, references that resolve.
@Suite("Kubernetes manifests")
struct KubernetesTests {
    @Test("every field of every object is one that the API server knows")
    func fieldsAreKnown() throws {
        let schema = try Manifests.schema
        let objects = try Manifests.base()
        #expect(objects.count >= 10)
        for object in objects {
            let problems = schema.problems(of: object)
            #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
        }
    }

    @Test("the check finds a misspelt field, a wrong type, a missing field and an unknown kind")
    func theCheckCanFail() throws {
        let schema = try Manifests.schema
        func problems(_ yaml: String) throws -> [String] { schema.problems(of: try Yams.load(yaml: yaml) as Any) }
        let service = """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {selektor: {a: b}, ports: [{name: grpc, port: "many"}, {name: http}]}
            """
        #expect(
            try problems(service) == [
                "Service.spec.ports[0].port: many is no whole number", "Service.spec.ports[1].port is missing",
                "Service.spec.selektor is no field of it",
            ])
        #expect(try problems("{apiVersion: v2, kind: Service}") == ["v2 Service is not a kind that the schemas know"])
    }

    @Test("the base lists every manifest that lies in it, and each file that it names exists")
    func nothingIsForgotten() throws {
        let kustomization = try Manifests.kustomization()
        let resources = Set(kustomization["resources"] as? [String] ?? [])
        let generated = Manifests.list(kustomization, "configMapGenerator").flatMap { $0["files"] as? [String] ?? [] }
        let folder = "\(Manifests.root)/deploy/kubernetes"
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".yaml") && !$0.hasPrefix("components/") && $0 != "kustomization.yaml"
        }
        // Applied by hand, when a copy is put back.
        let apart: Set = ["coordinator/restore.yaml"]
        #expect(Set(files) == resources.union(generated).union(apart))
    }

    @Test("every pod fits the restricted profile")
    func podsAreRestricted() throws {
        let templates = try Manifests.base().filter { ["DaemonSet", "StatefulSet"].contains($0["kind"] as? String) }
        #expect(templates.count == 2)
        for workload in templates {
            let problems = RestrictedProfile.problems(of: Manifests.value(workload, "spec.template.spec"))
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test("mounts, ports, selectors, accounts and config maps point at something that is there")
    func referencesResolve() throws {
        let objects = try Manifests.base()
        let generated = Manifests.list(try Manifests.kustomization(), "configMapGenerator").compactMap {
            $0["name"] as? String
        }
        func names(_ kind: String) -> Set<String> {
            Set(
                objects.filter { $0["kind"] as? String == kind }.compactMap {
                    Manifests.value($0, "metadata.name") as? String
                })
        }
        var ports: [String: Set<String>] = [:]
        for workload in objects where Manifests.value(workload, "spec.template.spec") != nil {
            let pod = Manifests.value(workload, "spec.template.spec")
            let labels = Manifests.value(workload, "spec.template.metadata.labels") as? [String: String] ?? [:]
            let selector = Manifests.value(workload, "spec.selector.matchLabels") as? [String: String] ?? [:]
            #expect(!selector.isEmpty && selector.allSatisfy { labels[$0.key] == $0.value })
            var volumes = Set(Manifests.list(pod, "volumes").compactMap { $0["name"] as? String })
            volumes.formUnion(
                Manifests.list(workload, "spec.volumeClaimTemplates").compactMap {
                    Manifests.value($0, "metadata.name") as? String
                })
            for container in Manifests.list(pod, "containers") {
                for mount in Manifests.list(container, "volumeMounts") {
                    #expect(volumes.contains(mount["name"] as? String ?? ""), "\(mount)")
                }
                let own = Manifests.list(container, "ports").compactMap { $0["name"] as? String }
                ports[labels["app.kubernetes.io/name"] ?? "", default: []].formUnion(own)
                for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                    guard let port = Manifests.value(container, "\(probe).httpGet.port") as? String else { continue }
                    #expect(own.contains(port), "\(probe) asks port \(port)")
                }
            }
            let maps = Manifests.configMaps(of: pod)
            #expect(maps.isSubset(of: names("ConfigMap").union(generated)), "\(maps)")
            #expect(names("ServiceAccount").contains(Manifests.value(pod, "serviceAccountName") as? String ?? ""))
            if let priority = Manifests.value(pod, "priorityClassName") as? String {
                #expect(names("PriorityClass").contains(priority), "\(priority)")
            }
        }
        for service in objects where service["kind"] as? String == "Service" {
            let app = (Manifests.value(service, "spec.selector") as? [String: String])?["app.kubernetes.io/name"] ?? ""
            for port in Manifests.list(service, "spec.ports") {
                #expect(ports[app]?.contains(port["targetPort"] as? String ?? "") == true, "\(app) \(port)")
            }
        }
        for binding in objects where (binding["kind"] as? String ?? "").hasSuffix("RoleBinding") {
            let role = Manifests.value(binding, "roleRef.name") as? String ?? ""
            #expect(names(Manifests.value(binding, "roleRef.kind") as? String ?? "").contains(role), "\(role)")
        }
    }

    @Test("rights are read-only, without nodes/proxy, pods/log and secrets, and without wildcards")
    func rightsAreLeast() throws {
        let roles = try Manifests.base().filter { ["ClusterRole", "Role"].contains($0["kind"] as? String) }
        #expect(!roles.isEmpty)
        for rule in roles.flatMap({ Manifests.list($0, "rules") }) {
            let resources = Set(rule["resources"] as? [String] ?? [])
            let verbs = Set(rule["verbs"] as? [String] ?? [])
            #expect(resources.isDisjoint(with: ["nodes/proxy", "pods/log", "pods/exec", "secrets", "*"]), "\(rule)")
            // A review asks the API server a question; the verb for asking is `create`.
            let reviews = !resources.isEmpty && resources.allSatisfy { $0.hasSuffix("reviews") }
            // What is written is one object, by its name: the certificate that everybody may see.
            let publishes = resources == ["configmaps"] && rule["resourceNames"] as? [String] == ["tocsin-ca"]
            let allowed: Set = reviews ? ["create"] : publishes ? ["get", "patch"] : ["get", "list", "watch"]
            #expect(verbs.isSubset(of: allowed), "\(rule)")
        }
    }

    @Test("the coordinator may list and watch rollouts, and events of nobody before a namespace opts in")
    func theCoordinatorsRights() throws {
        let objects = try Manifests.base()
        func named(_ kind: String, _ name: String) -> [String: Any]? {
            objects.first {
                $0["kind"] as? String == kind && Manifests.value($0, "metadata.name") as? String == name
            }
        }
        func rules(_ kind: String, _ role: String) -> [Set<String>] {
            Manifests.list(named(kind, role), "rules").flatMap { rule in
                ["apiGroups", "resources", "verbs"].map { Set(rule[$0] as? [String] ?? []) }
            }
        }
        #expect(
            rules("ClusterRole", "tocsin-coordinator") == [
                ["apps"], ["deployments", "replicasets"], ["list", "watch"],
                ["authentication.k8s.io"], ["tokenreviews"], ["create"],
            ])
        #expect(
            rules("Role", "tocsin-coordinator") == [
                [""], ["configmaps"], ["get", "patch"], [""], ["pods"], ["get"],
            ])
        #expect(rules("ClusterRole", "tocsin-events") == [[""], ["events"], ["list", "watch"]])
        let bound = objects.filter { ($0["kind"] as? String ?? "").hasSuffix("RoleBinding") }.filter {
            Manifests.list($0, "subjects").contains { $0["name"] as? String == "tocsin-coordinator" }
        }
        #expect(
            bound.compactMap { Manifests.value($0, "roleRef.name") as? String }
                == ["tocsin-coordinator", "tocsin-coordinator"])
        // The token lies where the configuration looks for it.
        let pod = Manifests.value(named("StatefulSet", "tocsin-coordinator"), "spec.template.spec")
        let mounts = Manifests.list(Manifests.list(pod, "containers").first, "volumeMounts")
        let mount = mounts.first { $0["name"] as? String == "kubernetes-access" }?["mountPath"] as? String
        let settings = try Manifests.mapping(Manifests.load("coordinator/coordinator.yaml").first)
        #expect(Manifests.value(settings, "kubernetes.tokenFile") as? String == mount.map { $0 + "/token" })
        #expect(Manifests.value(settings, "kubernetes.caFile") as? String == mount.map { $0 + "/ca.crt" })
        let agent = try Manifests.mapping(Manifests.load("agent/agent.yaml").first)
        #expect(Manifests.value(settings, "kubernetes.cluster") as? String == agent["cluster"] as? String)
    }

    @Test("tokens, accounts, ports and the published authority fit together, and nothing is made by hand")
    func tokensFitTogether() throws {
        let objects = try Manifests.base()
        func spec(_ kind: String) -> Any? {
            Manifests.value(objects.first { $0["kind"] as? String == kind }, "spec.template.spec")
        }
        let accounts = objects.filter { $0["kind"] as? String == "ServiceAccount" }.compactMap {
            Manifests.value($0, "metadata.name") as? String
        }
        let coordinator = try Manifests.mapping(Manifests.load("coordinator/coordinator.yaml").first)
        let agent = try Manifests.mapping(Manifests.load("agent/agent.yaml").first)
        #expect(coordinator["tls"] == nil && agent["tls"] == nil)
        #expect(Manifests.value(coordinator, "tokens.cluster") as? String == agent["cluster"] as? String)
        let listed =
            (Manifests.value(coordinator, "tokens.agents") as? [String] ?? [])
            + Manifests.list(coordinator, "tokens.users").compactMap { $0["serviceAccount"] as? String }
        #expect(listed.count == 4 && Set(listed).isSubset(of: accounts.map { "tocsin/\($0)" }))
        #expect(listed.first == "tocsin/\(Manifests.value(spec("DaemonSet"), "serviceAccountName") as? String ?? "")")

        // The agent shows the token that is projected for the coordinator, and trusts what the coordinator publishes.
        let volumes = Manifests.list(spec("DaemonSet"), "volumes")
        let sources = Manifests.list(
            volumes.first { $0["name"] as? String == "coordinator-access" }, "projected.sources")
        let token = sources.compactMap { Manifests.value($0, "serviceAccountToken") }.first
        #expect(Manifests.value(token, "audience") as? String == "tocsin", "the default of tokens.audience")
        let map = sources.compactMap { Manifests.value($0, "configMap.name") as? String }.first
        #expect(Manifests.value(coordinator, "tokens.authority.configMap") as? String == map.map { "tocsin/\($0)" })
        let authority = objects.first {
            $0["kind"] as? String == "ConfigMap" && Manifests.value($0, "metadata.name") as? String == map
        }
        #expect(
            authority != nil && authority?["data"] == nil, "data here would take the certificate away at each apply")
        let container = Manifests.list(spec("DaemonSet"), "containers").first
        let mount = Manifests.list(container, "volumeMounts").first { $0["name"] as? String == "coordinator-access" }
        let folder = mount?["mountPath"] as? String ?? "?"
        #expect(Manifests.value(agent, "coordinator.tokenFile") as? String == "\(folder)/token")
        #expect(Manifests.value(agent, "coordinator.caFile") as? String == "\(folder)/ca.crt")

        // The endpoint is a service's port and a host of the certificate.
        let endpoint = (Manifests.value(agent, "coordinator.endpoint") as? String ?? "").split(separator: ":")
        let hosts = Manifests.value(coordinator, "tokens.authority.hosts") as? [String] ?? []
        #expect(hosts.contains(String(endpoint[0])))
        let service = objects.first {
            $0["kind"] as? String == "Service"
                && Manifests.value($0, "metadata.name") as? String == "tocsin-coordinator"
        }
        #expect(Manifests.list(service, "spec.ports").contains { "\($0["port"] ?? "")" == endpoint[1] })
        for kind in ["DaemonSet", "StatefulSet"] {
            #expect(Manifests.list(spec(kind), "volumes").allSatisfy { $0["secret"] == nil }, "\(kind)")
        }
    }

    @Test("what is read at a start alone gets a name by its content; thresholds, which are followed, keep theirs")
    func namesByContent() throws {
        let kustomization = try Manifests.kustomization()
        #expect(kustomization["generatorOptions"] == nil)
        for map in Manifests.list(kustomization, "configMapGenerator") {
            let files = map["files"] as? [String] ?? []
            let isFollowed = Manifests.value(map, "options.disableNameSuffixHash") as? Bool == true
            #expect(files.count == 1 && isFollowed == files[0].hasSuffix("/thresholds.yaml"), "\(files)")
        }
        // The kubelet never renews what is mounted by `subPath`.
        let workload = try Manifests.base().first { $0["kind"] as? String == "StatefulSet" }
        let pod = Manifests.value(workload, "spec.template.spec")
        let container = Manifests.list(pod, "containers").first
        let mount = Manifests.list(container, "volumeMounts").first { $0["name"] as? String == "config" }
        #expect(mount?["subPath"] == nil && mount?["subPathExpr"] == nil)
        let settings = try Manifests.mapping(Manifests.load("coordinator/coordinator.yaml").first)
        let path = mount?["mountPath"] as? String ?? "?"
        #expect(settings["thresholdsFile"] as? String == "\(path)/thresholds.yaml")
    }

    @Test("the component certificates changes nothing but how callers are let in")
    func certificatesChangeTheLinkAlone() throws {
        for (file, keys) in [("agent", ["coordinator", "tls"]), ("coordinator", ["listen", "tls", "tokens"])] {
            var changed = try Manifests.mapping(Manifests.load("components/certificates/\(file).yaml").first)
            var plain = try Manifests.mapping(Manifests.load("\(file)/\(file).yaml").first)
            #expect(changed["tls"] != nil && changed["tokens"] == nil)
            for key in keys {
                changed[key] = nil
                plain[key] = nil
            }
            #expect(NSDictionary(dictionary: changed) == NSDictionary(dictionary: plain), "\(file)")
        }
    }

    @Test("the agent's volume holds its spool, one set aside and one begun anew, and the container's log lies beside")
    func spoolFitsItsVolume() throws {
        func mebibytes(_ value: Any?) throws -> Int {
            let text = try #require(value as? String)
            return try #require(Int(text.prefix { $0.isNumber }).flatMap { text.contains("Mi") ? $0 : nil })
        }
        let settings = try Manifests.mapping(Manifests.load("agent/agent.yaml").first)
        let spool = try mebibytes(Manifests.value(settings, "spool.maxSize"))
        let agent = try Manifests.base().first { $0["kind"] as? String == "DaemonSet" }
        let pod = Manifests.value(agent, "spec.template.spec")
        let data = Manifests.list(pod, "volumes").first { $0["name"] as? String == "data" }
        let volume = try mebibytes(Manifests.value(data, "emptyDir.sizeLimit"))
        #expect(volume >= 3 * spool + 64)
        let container = Manifests.list(pod, "containers").first
        let all = try mebibytes(Manifests.value(container, "resources.limits.ephemeral-storage"))
        #expect(all >= volume + 50, "the kubelet keeps five files of 10 MiB of a log")
    }

    @Test("certificates are made for the cluster that the component's files name")
    func certificatesNameTheCluster() throws {
        let agent = try Manifests.mapping(Manifests.load("components/certificates/agent.yaml").first)
        let cluster = try #require(agent["cluster"] as? String)
        let readme = try String(contentsOfFile: "\(Manifests.root)/deploy/kubernetes/README.md", encoding: .utf8)
        for command in ["init", "issue agent"] {
            #expect(readme.contains("tocsin tls \(command) pki --cluster \(cluster) "), "\(command)")
        }
    }

    @Test("components patch objects and containers of the base, with fields that fit")
    func componentsFit() throws {
        let schema = try Manifests.schema
        let base = try Manifests.base()
        let folder = "\(Manifests.root)/deploy/kubernetes/components"
        let components = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(!components.isEmpty)
        for component in components {
            for patch in Manifests.list(try Manifests.kustomization("components/\(component)"), "patches") {
                let kind = Manifests.value(patch, "target.kind") as? String
                let name = Manifests.value(patch, "target.name") as? String
                let target = base.first {
                    $0["kind"] as? String == kind && Manifests.value($0, "metadata.name") as? String == name
                }
                #expect(target != nil, "\(component) patches \(kind ?? "?") \(name ?? "?")")
                let body = try Yams.load(yaml: patch["patch"] as? String ?? "")
                // A list is a JSON patch; a mapping is merged, and then holds only what it changes.
                guard let body = body as? [String: Any] else { continue }
                let problems = schema.problems(of: body).filter { !$0.hasSuffix("is missing") }
                #expect(problems.isEmpty, "\(component): \(problems)")
                let containers = Set(
                    Manifests.list(target, "spec.template.spec.containers").compactMap { $0["name"] as? String })
                for container in Manifests.list(body, "spec.template.spec.containers") {
                    #expect(containers.contains(container["name"] as? String ?? ""), "\(component)")
                }
            }
        }
    }

    @Test("the component host-logs changes nothing of the agent's configuration but the logs")
    func hostLogsAddsLogs() throws {
        var changed = try Manifests.mapping(Manifests.load("components/host-logs/agent.yaml").first)
        let plain = try Manifests.mapping(Manifests.load("agent/agent.yaml").first)
        #expect(changed.removeValue(forKey: "logs") != nil)
        #expect(NSDictionary(dictionary: changed) == NSDictionary(dictionary: plain))
    }
}

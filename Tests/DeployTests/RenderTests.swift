import Foundation
import Testing
import Yams

/// What `kubectl kustomize` makes of the base and of the components, where kubectl is installed.
@Suite("Rendered manifests", .enabled(if: Command.path("kubectl") != nil))
struct RenderTests {
    /// Renders the base with components beside its resources, as the README says; `changes` are appended to its files.
    private func rendered(_ components: [String] = [], changes: [String: String] = [:]) throws -> [[String: Any]] {
        try Command.withFolder { folder in
            let copy = "\(folder)/kubernetes"
            try FileManager.default.copyItem(atPath: "\(Manifests.root)/deploy/kubernetes", toPath: copy)
            var additions = changes
            if !components.isEmpty {
                additions["kustomization.yaml"] =
                    "components:\n" + components.map { "  - components/\($0)\n" }.joined()
            }
            for (file, addition) in additions {
                let text = try String(contentsOfFile: "\(copy)/\(file)", encoding: .utf8)
                try (text + addition).write(toFile: "\(copy)/\(file)", atomically: true, encoding: .utf8)
            }
            let outcome = try Command.run("kubectl", ["kustomize", copy])
            guard outcome.status == 0 else { throw DeployProblem(outcome.text) }
            return try Array(Yams.load_all(yaml: outcome.text)).compactMap { $0 }.map(Manifests.mapping)
        }
    }

    private func workload(_ kind: String, _ objects: [[String: Any]]) throws -> NSDictionary {
        NSDictionary(dictionary: try #require(objects.first { $0["kind"] as? String == kind }))
    }

    @Test(
        "the base and each set of components that the README allows render to objects that fit",
        arguments: [
            [], ["certificates"], ["self-signed-kubelet"], ["host-logs"], ["host-logs", "self-signed-kubelet"],
            ["certificates", "self-signed-kubelet"],
        ])
    func setsRender(components: [String]) throws {
        let schema = try Manifests.schema
        let objects = try rendered(components)
        let base = try Manifests.base()
        #expect(objects.count == base.count + 3)
        for object in objects {
            let problems = schema.problems(of: object)
            #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
        }
        let maps = Set(
            objects.filter { $0["kind"] as? String == "ConfigMap" }.compactMap {
                Manifests.value($0, "metadata.name") as? String
            })
        let namespace = objects.first { $0["kind"] as? String == "Namespace" }
        let labels = Manifests.value(namespace, "metadata.labels") as? [String: String]
        let isRestricted = labels?["pod-security.kubernetes.io/enforce"] == "restricted"
        for kind in ["DaemonSet", "StatefulSet"] {
            let pod = Manifests.value(try workload(kind, objects) as? [String: Any], "spec.template.spec")
            let named = Manifests.configMaps(of: pod)
            #expect(!named.isEmpty && named.isSubset(of: maps), "\(named.subtracting(maps))")
            #expect(RestrictedProfile.problems(of: pod).isEmpty || !isRestricted)
            let images = Manifests.list(pod, "containers").compactMap { $0["image"] as? String }
            #expect(images.allSatisfy { $0.contains(":") })
        }
        #expect(isRestricted == Set(components).isDisjoint(with: ["self-signed-kubelet", "host-logs"]))
    }

    @Test(
        "a changed file rolls out what reads it at its start alone, and nothing else",
        arguments: [
            ("agent/agent.yaml", "DaemonSet"), ("coordinator/coordinator.yaml", "StatefulSet"),
            ("coordinator/thresholds.yaml", ""),
        ])
    func changesRollOut(file: String, kind: String) throws {
        let before = try rendered()
        let after = try rendered(changes: [file: "# another line\n"])
        for other in ["DaemonSet", "StatefulSet"] {
            let isOther = try workload(other, before) != workload(other, after)
            #expect(isOther == (other == kind), "\(other)")
        }
        func maps(_ objects: [[String: Any]]) -> [NSDictionary] {
            objects.filter { $0["kind"] as? String == "ConfigMap" }.map { NSDictionary(dictionary: $0) }
        }
        #expect(maps(before) != maps(after))
    }
}

import Foundation
import Testing

/// The steps of "Backup and restore" in `docs/operations.md` against the manifests they are for.
@Suite("Backup and restore on Kubernetes")
struct BackupStepsTests {
    private func coordinator() throws -> [String: Any] {
        try #require(try Manifests.base().first { $0["kind"] as? String == "StatefulSet" })
    }

    /// The words of the documented commands that begin so; lines that end with a backslash go on.
    private func commands(_ beginning: String) throws -> [[String]] {
        let text = try String(contentsOfFile: "\(Manifests.root)/docs/operations.md", encoding: .utf8)
        return text.replacing("\\\n", with: " ").split(separator: "\n").map { line in
            line.split(separator: " ").map(String.init)
        }.filter { $0.starts(with: beginning.split(separator: " ").map(String.init)) }
    }

    @Test("the documented backup names the configuration file of the pod, and a folder on its volume")
    func backupFitsThePod() throws {
        let workload = try coordinator()
        let container = try #require(Manifests.list(workload, "spec.template.spec.containers").first)
        let pod = "kubectl -n tocsin exec \(Manifests.value(workload, "metadata.name") ?? "")-0 --"
        let backups = try commands("\(pod) tocsin-coordinator backup")
        #expect(backups.count == 1)
        let arguments = Array(try #require(backups.first).drop { $0 != "backup" }.dropFirst())
        try #require(arguments.count == 3 && Array(arguments.dropFirst()) == container["args"] as? [String])
        let mounts = Dictionary(
            uniqueKeysWithValues: Manifests.list(container, "volumeMounts").map {
                ($0["mountPath"] as? String ?? "", $0["name"] as? String ?? "")
            })
        let folder = (arguments[0] as NSString).deletingLastPathComponent
        #expect(mounts[folder] == "data")
        #expect(mounts[(arguments[2] as NSString).deletingLastPathComponent] == "config")
        // It is taken away from where it was made, and removed there.
        let name = (arguments[0] as NSString).lastPathComponent
        let takes = pod.split(separator: " ").map(String.init) + ["tar", "-C", folder, "-cf", "-", name]
        #expect(try commands("\(pod) tar").contains { $0.starts(with: takes) })
        #expect(try commands("\(pod) rm").contains { $0.last == arguments[0] })
    }

    @Test("the volume holds full retention, a copy of it, and what a copy leaves free")
    func volumeHoldsACopy() throws {
        let settings = try Manifests.mapping(Manifests.load("coordinator/coordinator.yaml").first)
        let samples = try #require(gibibytes(Manifests.value(settings, "retention.size")))
        // The default: no `cells` is in the file.
        let cells = gibibytes(Manifests.value(settings, "retention.cells.size")) ?? 2
        let claim = Manifests.list(try coordinator(), "spec.volumeClaimTemplates").first
        let volume = try #require(gibibytes(Manifests.value(claim, "spec.resources.requests.storage")))
        #expect(
            volume >= 3 * (samples + cells), "2 x \(samples + cells) + 0.25 GiB, and the same once more for the rest")
    }

    private func gibibytes(_ value: Any?) -> Double? {
        guard let text = value as? String, let unit = text.firstIndex(of: "G") else { return nil }
        return Double(text[..<unit])
    }

    @Test("the pod that restores runs as the coordinator, on its volume, within the restricted profile")
    func restoringPodFits() throws {
        let pod = try Manifests.mapping(Manifests.load("coordinator/restore.yaml").first)
        let spec = try Manifests.mapping(pod["spec"])
        #expect(RestrictedProfile.problems(of: spec).isEmpty)
        // The schemas have no pods, but their templates.
        var workload = try coordinator()
        let name = try #require(Manifests.value(workload, "metadata.name") as? String)
        let like = Manifests.value(workload, "spec.template.spec")
        let container = Manifests.list(spec, "containers").first
        #expect(
            NSDictionary(dictionary: try Manifests.mapping(spec["securityContext"]))
                == NSDictionary(dictionary: try Manifests.mapping(Manifests.value(like, "securityContext"))))
        let claims = Manifests.list(workload, "spec.volumeClaimTemplates")
        let claim = try #require(Manifests.value(claims.first, "metadata.name") as? String)
        #expect(
            Manifests.list(spec, "volumes").compactMap {
                Manifests.value($0, "persistentVolumeClaim.claimName") as? String
            }
                == ["\(claim)-\(name)-0"])
        let path = Manifests.list(container, "volumeMounts").first?["mountPath"] as? String
        #expect(
            path
                == Manifests.list(Manifests.list(like, "containers").first, "volumeMounts").first {
                    $0["name"] as? String == claim
                }?["mountPath"] as? String)
        var inner = try Manifests.mapping(workload["spec"])
        inner["template"] = ["metadata": pod["metadata"], "spec": spec]
        workload["spec"] = inner
        #expect(try Manifests.schema.problems(of: workload).isEmpty)

        // What the steps name.
        let own = Manifests.value(pod, "metadata.name") as? String ?? "?"
        #expect(try commands("kubectl -n tocsin exec -i \(own) -- sh").first?.contains("'cd") == true)
        #expect(try commands("kubectl -n tocsin delete pod/\(own)").count == 1)
        #expect(try commands("kubectl -n tocsin scale statefulset/\(name) --replicas").map(\.last) == ["0", "1"])
        let set = try #require(try commands("kubectl set image").first)
        #expect(set.contains("deploy/kubernetes/coordinator/restore.yaml"))
        #expect(set.contains("\(container?["name"] as? String ?? "?")=\"$image\""))
    }
}

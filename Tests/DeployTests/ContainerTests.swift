import Foundation
import Testing

/// The Containerfile against the manifests and the documents.
@Suite("Images")
struct ContainerTests {
    /// The lines of each stage by its name.
    private func stages() throws -> [String: [[String]]] {
        let file = "\(Manifests.root)/deploy/container/Containerfile"
        var stages: [String: [[String]]] = [:]
        var name = ""
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#")
        {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "FROM" { name = words.last ?? "" }
            stages[name, default: []].append(words)
        }
        return stages
    }

    @Test("an image exposes the ports and has the user that its pod has", arguments: ["agent", "coordinator"])
    func imagesFitThePods(program: String) throws {
        let stage = try #require(try stages()[program])
        let workload = try #require(
            try Manifests.base().first { Manifests.value($0, "spec.template.spec") != nil && isOf(program, $0) })
        let pod = Manifests.value(workload, "spec.template.spec")
        let container = try #require(Manifests.list(pod, "containers").first)
        let ports = Manifests.list(container, "ports").compactMap { $0["containerPort"] as? Int }
        #expect(stage.first { $0[0] == "EXPOSE" }?.dropFirst().compactMap { Int($0) } == ports)
        let user = Manifests.value(pod, "securityContext.runAsUser") as? Int
        #expect(stage.first { $0[0] == "USER" }?.last == user.map { "\($0):\($0)" })
        #expect(stage.contains { $0[0] == "ENTRYPOINT" && $0.last == "[\"/usr/bin/tocsin-\(program)\"]" })
    }

    private func isOf(_ program: String, _ workload: [String: Any]) -> Bool {
        Manifests.value(workload, "metadata.name") as? String == "tocsin-\(program)"
    }

    @Test("the toolchain is the one that the README asks for, and the documented targets are there")
    func documentsFit() throws {
        let stages = try stages()
        let readme = try String(contentsOfFile: "\(Manifests.root)/README.md", encoding: .utf8)
        let image = try #require(stages["build"]?.first?[1])
        let version = try #require(image.split(separator: ":").last?.split(separator: "-").first)
        #expect(readme.contains("a Swift \(version) toolchain"))
        let operations = try String(contentsOfFile: "\(Manifests.root)/docs/operations.md", encoding: .utf8)
        let loop = try #require(operations.split(separator: "\n").first { $0.hasPrefix("for program in ") })
        let programs = loop.dropFirst("for program in ".count).prefix { $0 != ";" }.split(separator: " ").map(
            String.init)
        #expect(Set(programs) == Set(stages.keys).subtracting(["", "build", "runtime"]))
    }
}

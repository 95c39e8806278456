import Foundation
import Testing
import Yams

/// What the archives bring to a plain host: unit, account, configuration, documents and the documented steps.
@Suite("Units and archives")
struct HostInstallTests {
    /// Settings of a unit by section; one that is there twice has two values.
    private struct Unit {
        private var settings: [String: [String]] = [:]
        private(set) var strangeLines: [String] = []

        init(_ text: String) {
            var section = ""
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                if line.hasPrefix("[") {
                    section = line.trimmingCharacters(in: ["[", "]"])
                } else if let equals = line.firstIndex(of: "="), !section.isEmpty {
                    settings["\(section).\(line[..<equals])", default: []].append(
                        String(line[line.index(after: equals)...]))
                } else {
                    strangeLines.append(String(line))
                }
            }
        }

        func all(_ key: String) -> [String] { settings[key] ?? [] }
        func one(_ key: String) -> String? { all(key).count == 1 ? all(key)[0] : nil }
    }

    private static func text(_ file: String) throws -> String {
        try String(contentsOfFile: "\(Manifests.root)/\(file)", encoding: .utf8)
    }

    private func unit(_ daemon: String) throws -> Unit {
        Unit(try Self.text("deploy/systemd/tocsin-\(daemon).service"))
    }

    /// The lines of the documented steps.
    private func steps() throws -> Set<String> {
        Set(try Self.text("docs/operations.md").split(separator: "\n").map(String.init))
    }

    @Test("a unit runs as the account that its file makes, with its folder and its configuration", arguments: daemons)
    func unitFits(daemon: String) throws {
        let unit = try unit(daemon)
        #expect(unit.strangeLines.isEmpty)
        let program = "tocsin-\(daemon)"
        #expect(unit.one("Service.ExecStart") == "/usr/bin/\(program) --config /etc/tocsin/\(daemon).yaml")
        let account = try Self.text("deploy/systemd/\(program).conf").split(separator: "\n").filter {
            !$0.hasPrefix("#")
        }
        let state = "/var/lib/\(program)"
        #expect(account == ["u \(program) - \"Tocsin \(daemon)\" \(state)"])
        #expect(unit.one("Service.User") == program && unit.one("Service.Group") == program)
        // Its default folder: the file names none.
        #expect(unit.one("Service.StateDirectory") == program && unit.one("Service.StateDirectoryMode") == "0700")
        #expect(try Self.text("deploy/config/\(daemon).yaml").contains("# dataDirectory: \(state)\n"))
        // A copy that is made at the start would be half a pair after a renewal.
        #expect(unit.all("Service.LoadCredential").isEmpty && unit.all("Service.DynamicUser").isEmpty)
        #expect(unit.one("Service.CapabilityBoundingSet")?.isEmpty == true)
        for setting in ["NoNewPrivileges", "PrivateTmp", "PrivateDevices", "PrivateUsers", "RemoveIPC"] {
            #expect(unit.one("Service.\(setting)") == "yes", "\(setting)")
        }
        #expect(unit.one("Service.ProtectSystem") == "strict")
    }

    @Test(
        "the shipped configuration finds its variables in the unit, its certificates where they are installed",
        arguments: daemons)
    func configurationFits(daemon: String) throws {
        let settings = try Manifests.mapping(Yams.load(yaml: Self.text("deploy/config/\(daemon).yaml")))
        let variables = try unit(daemon).all("Service.Environment").compactMap { $0.split(separator: "=").first }
        for (key, value) in settings {
            guard let variable = Manifests.value(value, "env") as? String else { continue }
            #expect(variables.contains { $0 == variable }, "\(key)")
        }
        let program = "tocsin-\(daemon)"
        let steps = try steps()
        func path(_ key: String) -> String { Manifests.value(settings, "tls.\(key)") as? String ?? "?" }
        let (certificate, key, roots) = (path("certificateFile"), path("keyFile"), path("trustRootsFile"))
        if daemon == "agent" {
            #expect(steps.contains("install -D -m 0644 ca.crt \(roots)"))
            #expect(steps.contains("install -m 0644 agent-$(hostname).crt \(certificate)"))
            #expect(steps.contains("install -m 0640 -g \(program) agent-$(hostname).key \(key)"))
        } else {
            let folder = (key as NSString).deletingLastPathComponent
            #expect(roots == "\(folder)/ca.crt" && certificate == "\(folder)/coordinator.crt")
            #expect(steps.contains("install -D -m 0644 -t \(folder) ca.crt coordinator.crt"))
            #expect(key == "\(folder)/coordinator.key")
            #expect(steps.contains("install -m 0640 -g \(program) coordinator.key \(folder)/"))
        }
        // The cluster that certificates are made for is the one that the file names.
        if let cluster = settings["cluster"] as? String {
            #expect(steps.contains { $0.hasPrefix("tocsin tls init pki --cluster \(cluster) ") })
        }
        let backup =
            "runuser -u \(program) -- \(program) backup /var/backups/tocsin/copy --config /etc/tocsin/\(daemon).yaml"
        #expect(steps.contains(backup) == (daemon == "coordinator"))
    }

    @Test("an archive holds what the steps install and what the unit names", arguments: daemons)
    func archiveIsWhole(daemon: String) throws {
        let program = "tocsin-\(daemon)"
        let outcome = try Command.run("sh", ["\(Manifests.root)/deploy/release/dist.sh", "files"])
        #expect(outcome.status == 0)
        let lines = outcome.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        var targets: [String: String] = [:]
        for line in lines where line.first == program && line.count == 3 {
            #expect(FileManager.default.fileExists(atPath: "\(Manifests.root)/\(line[1])"), "\(line[1])")
            targets[line[2]] = line[1]
        }
        for file in ["LICENSE", "\(daemon).yaml", "\(program).service", "\(program).conf"] {
            #expect(targets[file] != nil, "\(file)")
        }
        let documents = try #require(unit(daemon).one("Unit.Documentation"))
        let shared = "file:/usr/share/doc/tocsin/"
        #expect(documents.hasPrefix(shared) && targets["doc/\(documents.dropFirst(shared.count))"] != nil)
        let steps = try steps()
        for step in [
            "install -m 0755 \(program) /usr/bin/", "install -D -m 0644 -t /usr/share/doc/tocsin doc/*",
            "install -D -m 0644 -t /usr/lib/sysusers.d \(program).conf && systemd-sysusers",
            "install -m 0644 \(program).service /etc/systemd/system/",
        ] {
            #expect(steps.contains(step), "\(step)")
        }
        #expect(steps.contains { $0.hasPrefix("install -D -m 0644 -t /etc/tocsin \(daemon).yaml") })
    }

    @Test(
        "systemd takes the units, and finds them as closed as services can be that use the network",
        .enabled(if: Command.path("systemd-analyze") != nil), arguments: daemons)
    func systemdTakesThem(daemon: String) throws {
        try Command.withFolder { folder in
            // The program that it names need not be on this machine.
            let text = try Self.text("deploy/systemd/tocsin-\(daemon).service")
                .replacing("ExecStart=/usr/bin/tocsin-\(daemon)", with: "ExecStart=/bin/true")
            let file = "\(folder)/tocsin-\(daemon).service"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let verified = try Command.run("systemd-analyze", ["verify", file])
            // A key that it does not know is a warning; other units of the machine have theirs.
            let warnings = verified.text.split(separator: "\n").filter { $0.contains("/tocsin-\(daemon).service") }
            #expect(verified.status == 0 && warnings.isEmpty, "\(verified.text)")
            let judged = try Command.run("systemd-analyze", ["security", "--offline=yes", "--threshold=20", file])
            #expect(judged.status == 0, "\(judged.text)")
        }
    }

    private static let daemons = ["agent", "coordinator"]
}

import AgentSettings
import ConfigurationKit
import CoordinatorSettings
import Foundation

/// The files of `Tests/Fixtures/config` and of the repository.
enum GoldenFiles {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let folder = root.appendingPathComponent("Tests/Fixtures/config")

    /// What `{env: NAME}` finds in the fixtures.
    static let environment = [
        "NODE_NAME": "worker-7", "TLS_ROOTS": "/roots.crt", "ACTUATOR_LOGIN": "probe:secret", "MALFORMED": "not a name",
    ]

    static var isRewriting: Bool { ProcessInfo.processInfo.environment["TOCSIN_REWRITE_GOLDEN"] == "1" }

    /// Paths such as `agent/full.yaml`, sorted.
    static func names(invalid: Bool) -> [String] {
        ["agent", "coordinator", "thresholds"].flatMap { kind -> [String] in
            let path = folder.appendingPathComponent(kind).path
            let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            return files.filter { $0.hasSuffix(".yaml") && $0.hasSuffix(".invalid.yaml") == invalid }.sorted().map {
                "\(kind)/\($0)"
            }
        }
    }

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    static func source(_ name: String) throws -> ConfigurationSource {
        let file = String(name.split(separator: "/")[1])
        return ConfigurationSource(file: file, folder: "/etc/tocsin", text: try text(name))
    }

    /// Decodes a fixture by its folder, and gives the warnings.
    static func warnings(_ name: String) throws -> [ConfigurationIssue] {
        let source = try source(name)
        switch name.prefix(while: { $0 != "/" }) {
        case "agent": return try AgentSettings.decode(source, environment: environment).warnings
        case "coordinator": return try CoordinatorSettings.decode(source, environment: environment).warnings
        default: return try ThresholdSettings.decode(source, step: .seconds(10), environment: environment).warnings
        }
    }

    /// The golden text beside a fixture, empty when there is none; written first when goldens are rewritten.
    static func golden(_ name: String, suffix: String, actual: String) throws -> String {
        let file = folder.appendingPathComponent(name.replacing(".yaml", with: suffix))
        if isRewriting {
            if actual.isEmpty {
                try? FileManager.default.removeItem(at: file)
            } else {
                try Data(actual.utf8).write(to: file)
            }
        }
        guard FileManager.default.fileExists(atPath: file.path) else { return "" }
        return try String(contentsOf: file, encoding: .utf8)
    }
}

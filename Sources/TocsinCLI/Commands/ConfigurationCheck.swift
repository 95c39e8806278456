import AgentSettings
import ConfigurationKit
import CoordinatorSettings

/// Checks configuration files of any kind.
struct ConfigurationCheck {
    /// What `{env: NAME}` in files refers to.
    let environment: [String: String]

    /// What is wrong with each file, if anything.
    ///
    /// Files that one of them names and that are missing are warnings: they may be mounted later. Thresholds are
    /// checked against the step of the first coordinator's file among them, a coordinator's file with the thresholds
    /// and the templates that it names.
    func results(_ paths: [String]) -> [CheckReport.Result] {
        var step: Duration?
        for path in paths where step == nil {
            step = (try? CoordinatorSettings.load(path: path, environment: environment))?.value.step
        }
        return paths.map { result($0, step: step) }
    }

    private func result(_ path: String, step: Duration?) -> CheckReport.Result {
        var kind: String?
        do throws(ConfigurationError) {
            let source = try ConfigurationSource(path: path)
            let found = try ConfigurationFile.kind(of: source)
            kind = found
            return CheckReport.Result(file: path, kind: found, issues: try warnings(source, kind: found, step: step))
        } catch {
            return CheckReport.Result(file: path, kind: kind, issues: error.issues)
        }
    }

    private func warnings(
        _ source: ConfigurationSource, kind: String, step: Duration?
    ) throws(ConfigurationError) -> [ConfigurationIssue] {
        switch kind {
        case "agent": Self.warnings(try AgentSettings.decode(source, environment: environment))
        case "coordinator": try CoordinatorFiles.check(source, environment: environment)
        case "thresholds": Self.warnings(try ThresholdSettings.decode(source, step: step, environment: environment))
        case "contexts": Self.warnings(try Contexts.decode(source))
        default:
            throw ConfigurationError([
                ConfigurationIssue(
                    at: Origin(file: source.file, line: 1, column: 1), keyPath: "kind", value: kind,
                    reason: "this tool does not know the kind")
            ])
        }
    }

    private static func warnings<Value>(_ loaded: Loaded<Value>) -> [ConfigurationIssue] {
        loaded.warnings + loaded.missingFiles()
    }
}

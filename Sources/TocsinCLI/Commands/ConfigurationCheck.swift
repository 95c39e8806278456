import ConfigurationKit

/// Checks a configuration file of any kind.
enum ConfigurationCheck {
    /// What is wrong with a file, if anything.
    ///
    /// Files that it names and that are missing are warnings: they may be mounted later.
    static func result(_ path: String) -> CheckReport.Result {
        var kind: String?
        do throws(ConfigurationError) {
            let source = try ConfigurationSource(path: path)
            let found = try ConfigurationFile.kind(of: source)
            kind = found
            return CheckReport.Result(file: path, kind: found, issues: try warnings(source, kind: found))
        } catch {
            return CheckReport.Result(file: path, kind: kind, issues: error.issues)
        }
    }

    private static func warnings(
        _ source: ConfigurationSource, kind: String
    ) throws(ConfigurationError) -> [ConfigurationIssue] {
        switch kind {
        case "contexts":
            let loaded = try Contexts.decode(source)
            return loaded.warnings + loaded.missingFiles()
        default:
            return []
        }
    }
}

package import ConfigurationKit
import FoundationEssentials

/// `coordinator.yaml` with what it names: the thresholds file and the folder of templates, checked against each other.
package struct CoordinatorFiles: Sendable {
    /// The coordinator's own settings.
    package var settings: CoordinatorSettings
    /// The thresholds.
    package var thresholds: ThresholdSettings
    /// The text of the thresholds.
    package var thresholdsSource: ConfigurationSource
    /// What is doubtful about any of them.
    package var warnings: [ConfigurationIssue]

    /// Reads all; what is wrong with the coordinator's file, else with the thresholds, else between them, is reported
    /// at once.
    package static func load(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> CoordinatorFiles {
        try load(try ConfigurationSource(path: path), environment: environment)
    }

    private static func load(
        _ source: ConfigurationSource, environment: [String: String]
    ) throws(ConfigurationError) -> CoordinatorFiles {
        let coordinator = try CoordinatorSettings.decode(source, environment: environment)
        let thresholdsSource = try ConfigurationSource(path: coordinator.value.thresholdsFile)
        let thresholds = try ThresholdSettings.decode(
            thresholdsSource, step: coordinator.value.step, environment: environment)
        let between = issues(coordinator.value, thresholds.value)
        guard between.allSatisfy({ $0.level == .warning }) else { throw ConfigurationError(between) }
        return CoordinatorFiles(
            settings: coordinator.value, thresholds: thresholds.value, thresholdsSource: thresholdsSource,
            warnings: coordinator.warnings + thresholds.warnings + coordinator.missingFiles()
                + thresholds.missingFiles() + between)
    }

    /// Checks a coordinator's file with what it names, so far as that is there, and gives what is doubtful.
    ///
    /// A thresholds file that is not there may be mounted later; one that is refused keeps the coordinator from
    /// starting.
    package static func check(
        _ source: ConfigurationSource, environment: [String: String]
    ) throws(ConfigurationError) -> [ConfigurationIssue] {
        let coordinator = try CoordinatorSettings.decode(source, environment: environment)
        guard FileManager.default.fileExists(atPath: coordinator.value.thresholdsFile) else {
            let templates = coordinator.value.notifications.templateIssues()
            guard templates.allSatisfy({ $0.level == .warning }) else { throw ConfigurationError(templates) }
            return coordinator.warnings + coordinator.missingFiles() + templates
        }
        return try load(source, environment: environment).warnings
    }

    private static func issues(
        _ coordinator: CoordinatorSettings, _ thresholds: ThresholdSettings
    ) -> [ConfigurationIssue] {
        let notifications = coordinator.notifications
        let contacts = notifications.armingIssues(thresholds.escalation, origins: thresholds.roleOrigins)
        return (contacts + notifications.templateIssues()).sorted { $0.origin < $1.origin }
    }
}

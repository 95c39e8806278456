package import ConfigurationKit

/// Decides what to do with what is read of a thresholds file again and again: pure, so that who reads it may poll, be
/// told by a signal, or both.
///
/// A text counts when two reads in a row agree on it, so that an editor's half-written file is no mistake of anybody's.
/// The file is known by its text alone: a swapped symbolic link, a new inode or a touched time change nothing.
package struct ThresholdsReader: Sendable {
    /// What came of a read.
    package enum Outcome: Sendable {
        /// Nothing to do.
        case unchanged
        /// The file has changed and is right.
        case accepted(Loaded<ThresholdSettings>)
        /// The file is not what is in force, and why; one issue at least.
        case refused([ConfigurationIssue])
    }

    /// A read: the text, or why there is none.
    private enum Reading: Hashable {
        case text(String)
        case failure([ConfigurationIssue])
    }

    private let step: Duration
    private let environment: [String: String]
    private let notifications: NotificationSettings?
    private var last: Reading?
    private var judged: Reading?

    /// Makes a reader that has judged nothing, so that the first text counts as changed.
    ///
    /// - Parameter notifications: who can be called; a matrix that calls others is refused where it is armed.
    package init(step: Duration, environment: [String: String], notifications: NotificationSettings? = nil) {
        self.step = step
        self.environment = environment
        self.notifications = notifications
    }

    /// Makes a reader for which a text is in force already.
    package init(
        step: Duration, environment: [String: String], notifications: NotificationSettings? = nil,
        inForce source: ConfigurationSource
    ) {
        self.init(step: step, environment: environment, notifications: notifications)
        judged = .text(source.text)
        last = judged
    }

    /// Takes what was read.
    ///
    /// - Parameter isAsked: whether somebody asks for it now, so that one read suffices.
    package mutating func take(
        _ read: Result<ConfigurationSource, ConfigurationError>, isAsked: Bool = false
    ) -> Outcome {
        let reading: Reading
        switch read {
        case .success(let source): reading = .text(source.text)
        case .failure(let error): reading = .failure(error.issues)
        }
        defer { last = reading }
        guard reading != judged, isAsked || reading == last else { return .unchanged }
        judged = reading
        do throws(ConfigurationError) {
            let source = try read.get()
            var loaded = try ThresholdSettings.decode(source, step: step, environment: environment)
            let arming =
                notifications?.armingIssues(loaded.value.escalation, origins: loaded.value.roleOrigins) ?? []
            guard arming.allSatisfy({ $0.level == .warning }) else { return .refused(arming) }
            loaded.warnings += arming
            return .accepted(loaded)
        } catch {
            return .refused(error.issues)
        }
    }
}

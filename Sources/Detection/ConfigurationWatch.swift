package import Signals
package import Telemetry

/// Watches whether the file that is in force is the one on the disk: a refused one has a finding until it is mended.
///
/// Pure: who reads the file tells what became of it.
package struct ConfigurationWatch: Sendable, Hashable, Codable {
    /// Errors of the refused file.
    package static let signal = SignalName(rawValue: "configuration_errors")

    /// The check that the findings name, for the severity table.
    package static let check = Check(
        name: "configuration-refused", group: "configuration", family: .fleet,
        title: "Changed configuration refused", signal: signal, direction: .above, enter: 1, leave: 1, holdFor: .zero,
        leaveFor: .zero)

    /// Onset of the finding that stands.
    private var openSince: Timestamp?
    private var last: [String] = []

    /// Makes a watch without a finding.
    package init() {}

    /// Whether a finding stands.
    package var isOpen: Bool { openSince != nil }

    /// What the finding is about: the file by its name, whatever folder it is in.
    package static func subject(file: String) -> Subject {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        return Subject(cluster: "", kind: .coordinator, path: "coordinator/\(name)")
    }

    /// Takes a refusal: opens the finding, or tells it anew when the reasons have changed.
    ///
    /// - Parameter errors: `FILE:LINE:COLUMN: …`, at least one.
    package mutating func refused(file: String, errors: [String], at time: Timestamp) -> [Finding] {
        guard !isOpen || errors != last else { return [] }
        let phase = isOpen ? Finding.Phase.ongoing : .opened
        let onset = openSince ?? time
        openSince = onset
        last = errors
        let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
        let text = "The values from before stay in force: \(errors.first ?? "the file was refused")\(more)."
        return [finding(phase, file: file, errors: errors.count, at: time, onset: onset, text)]
    }

    /// Takes that the file is in force: closes the finding.
    package mutating func accepted(file: String, at time: Timestamp) -> [Finding] {
        guard let onset = openSince else { return [] }
        openSince = nil
        last = []
        let since = FigureText.time(onset, day: time)
        return [
            finding(.closed, file: file, errors: 0, at: time, onset: onset, "In force again; refused since \(since).")
        ]
    }

    /// Takes findings that stood before a restart.
    ///
    /// - Returns: those that are not of this watch; they are the caller's to end.
    package mutating func restore(open findings: [DetectorBank.OpenFinding]) -> [DetectorBank.OpenFinding] {
        findings.filter { finding in
            guard finding.check == Self.check.name, finding.subject.kind == .coordinator else { return true }
            openSince = finding.onsetAt
            return false
        }
    }

    private func finding(
        _ phase: Finding.Phase, file: String, errors: Int, at time: Timestamp, onset: Timestamp, _ text: String
    ) -> Finding {
        Finding(
            subject: Self.subject(file: file), check: Self.check, phase: phase, at: time, onsetAt: onset,
            value: Double(errors), worstValue: Double(max(errors, 1)), threshold: 1, volume: 0,
            affected: errors > 0 ? 1 : 0, total: 1, coverage: Coverage(present: 1, expected: 1), contributors: [],
            explanation: text)
    }
}

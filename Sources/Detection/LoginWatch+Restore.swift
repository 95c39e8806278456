package import Telemetry

extension LoginWatch {
    /// Takes findings of this subject that stood before a restart: each closes when nothing more comes for
    /// `quietAfter`.
    ///
    /// - Returns: those that are not of this watch; they are the caller's to end.
    package mutating func restore(
        open findings: [DetectorBank.OpenFinding], at time: Timestamp
    ) -> [DetectorBank.OpenFinding] {
        findings.filter { finding in
            guard finding.subject == subject, Pattern(rawValue: finding.check) != nil else { return true }
            standing[finding.check] = StandingFinding(
                onsetAt: finding.onsetAt, lastAt: time, worst: 0, names: [:], sentence: "It stood before a restart.")
            return false
        }
    }
}

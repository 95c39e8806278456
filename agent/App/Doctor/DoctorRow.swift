import Probing
import Telemetry

/// One thing that the doctor tried.
struct DoctorRow: Hashable, Sendable {
    /// How it went.
    enum Verdict: String, Hashable, Sendable {
        case fine = "ok"
        /// It works, and something is missing.
        case doubtful = "warning"
        case failed
    }

    /// What was tried: a target's id, a file, an endpoint.
    var what: String
    var verdict: Verdict
    /// One sentence.
    var detail: String
    /// What to do about it: a grant, a rule, a setting.
    var fix: String?

    /// The outcome of a probe of a target.
    init(_ target: Target, _ report: ProbeReport) {
        what = target.id
        switch report.outcome {
        case .success:
            verdict = .fine
            detail = "\(target.address): \(report.samples.count) series"
            fix = nil
        case .failure(let failureClass, let message):
            verdict = .failed
            detail = "\(target.address): \(failureClass.rawValue): \(message)"
            fix = DoctorAdvice.fix(target.kind, failureClass)
        }
    }

    init(what: String, verdict: Verdict, detail: String, fix: String? = nil) {
        self.what = what
        self.verdict = verdict
        self.detail = detail
        self.fix = fix
    }
}

/// What usually helps against a failure, by kind of target and class.
enum DoctorAdvice {
    static func fix(_ kind: Target.Kind, _ failureClass: FailureClass) -> String? {
        switch (kind, failureClass) {
        case (.postgresql, .auth):
            "a superuser runs: CREATE ROLE tocsin LOGIN PASSWORD '…'; GRANT pg_monitor TO tocsin; then the password goes into "
                + "'passwordFile', and pg_hba.conf must let the role in from here"
        case (.postgresql, .tls):
            "'sslMode' and 'sslRootFile' must fit the server: 'require' needs ssl = on there, 'verify-full' its root and name"
        case (.postgresql, .exhausted):
            "the server has no slot left for us: raise max_connections, or (16 and later) GRANT pg_use_reserved_connections"
        case (.actuator, .auth), (.prometheus, .auth):
            "'credentials' of the target, or of a binding under 'discovery': 'bearerFile' or 'basicFile'"
        case (.actuator, .status), (.actuator, .body):
            "the URL must be the actuator's base path; management.endpoints.web.exposure.include=health,prometheus in the application"
        case (.actuator, .silent), (.http, .silent), (.tcp, .silent), (.prometheus, .silent):
            "the port is open and nobody answers: the application hangs, or another protocol is spoken there"
        case (.prometheus, .body), (.prometheus, .status): "the URL must answer Prometheus text: check port and path"
        case (.logs, _): "the folder must be mounted and readable for the agent's user (group root reads /var/log/pods)"
        case (_, .dns): "the name does not resolve here: spelling, or the pod's DNS"
        case (_, .refused), (_, .timeout): "nothing answers there: host, port, a firewall or a NetworkPolicy"
        case (_, .tls): "'trust' of the target: the certificate must lead to 'caFile' and have the URL's name"
        default: nil
        }
    }
}

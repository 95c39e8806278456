import ConfigurationKit
package import TargetSettings

/// The node's kubelet.
package struct KubeletSettings: Hashable, Sendable {
    /// Base URL without a slash at its end.
    package var url: String
    /// Whom to trust.
    package var trust: TrustSettings
    /// File with the bearer token, to be read anew when it changes; nil: none is sent.
    package var tokenFile: String?
    /// How often and how long.
    package var timing: ProbeTiming

    /// How the kubelet's certificate is checked.
    enum TrustMode: String, CaseIterable, Sendable {
        case clusterCA
        case pin
        case insecure
    }

    /// Where a pod finds the cluster's roots.
    static let clusterCAFile = KubernetesAccess.caFileDefault

    /// Reads the section `kubelet`.
    init(_ section: Section, interval: Duration) {
        let url = section.required(
            "url", .url, "Base URL, such as `https://worker-1:10250`: the name must be one that its certificate has.")
        let mode = section.value(
            "trust", ValueType<TrustMode>.choice(), default: .clusterCA,
            "`clusterCA`: the certificate must lead to the roots in `caFile`. `pin`: its public key must be `pinSHA256`, for a kubelet"
                + " with a self-signed certificate. `insecure`: nobody is checked and no token is sent.")
        let caFile = section.file(
            "caFile", "PEM file with the cluster's roots, for `trust: clusterCA`.", default: Self.clusterCAFile)
        let serverName = section.optional(
            "serverName", .host, "Name that the certificate must have, for `trust: clusterCA`. Default: the URL's host."
        )
        let pin = section.optional(
            "pinSHA256", .publicKeyPin, "SHA-256 of the kubelet's public key (SubjectPublicKeyInfo), for `trust: pin`.")
        tokenFile = section.optionalFile(
            "tokenFile",
            "File with the bearer token; in a pod `/var/run/secrets/kubernetes.io/serviceaccount/token`. Read anew when it changes."
        )
        timing = ProbeTiming(section, interval: interval)
        self.url = url
        switch mode {
        case .clusterCA: trust = .roots(file: caFile, serverName: serverName)
        case .pin: trust = .pin(sha256: pin ?? "")
        case .insecure: trust = .insecure
        }
        Self.check(section, mode: mode, isEncrypted: TargetAddress(url: url).isEncrypted || url.isEmpty)
    }

    private static func check(_ section: Section, mode: TrustMode, isEncrypted: Bool) {
        if mode == .pin, !section.has("pinSHA256") {
            section.reportMissing("pinSHA256", because: "'trust: pin' needs it")
        }
        for (key, wanted) in [("caFile", TrustMode.clusterCA), ("serverName", .clusterCA), ("pinSHA256", .pin)]
        where section.has(key) && mode != wanted {
            section.report(
                key, "has a meaning only with 'trust: \(wanted.rawValue)', but 'trust' is '\(mode.rawValue)'")
        }
        guard section.has("tokenFile") else { return }
        if mode == .insecure {
            section.report("tokenFile", "a token is not sent to a peer that nobody checks; use 'trust: pin'")
        } else if !isEncrypted {
            section.report("tokenFile", "a token is not sent without TLS; use an https URL")
        }
    }
}

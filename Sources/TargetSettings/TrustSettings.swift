package import ConfigurationKit

/// Whom to trust on the other side of a target's TLS.
package enum TrustSettings: Hashable, Sendable {
    /// The system's roots.
    case system
    /// The roots in a PEM file; `serverName` replaces the URL's host in verification.
    case roots(file: String, serverName: String?)
    /// One public key: base64 SHA-256 of its SubjectPublicKeyInfo. Chain and name are not checked.
    case pin(sha256: String)
    /// Nobody is checked, and no credentials are sent.
    case insecure

    /// Reads the section `trust` of an actuator.
    package init(_ section: Section) {
        let caFile = section.optionalFile(
            "caFile", "PEM file with the roots that the target's certificate must lead to.")
        let serverName = section.optional(
            "serverName", .host, "Name that the certificate must have. Default: the URL's host.")
        let pin = section.optional(
            "pinSHA256", .publicKeyPin, "Instead of roots: SHA-256 of the target's public key (SubjectPublicKeyInfo).")
        let isInsecure = section.value(
            "insecure", .boolean, default: false, "Check nobody. Refused together with credentials.")
        let chosen = [caFile.map { _ in "caFile" }, pin.map { _ in "pinSHA256" }, isInsecure ? "insecure" : nil]
            .compactMap { $0 }
        if chosen.count > 1 {
            section.report(nil, "\(chosen.map { "'\($0)'" }.joined(separator: " and ")) exclude each other")
        }
        if serverName != nil, caFile == nil { section.report("serverName", "has a meaning only beside 'caFile'") }
        if let pin {
            self = .pin(sha256: pin)
        } else if isInsecure {
            self = .insecure
        } else if let caFile {
            self = .roots(file: caFile, serverName: serverName)
        } else {
            self = .system
        }
    }
}

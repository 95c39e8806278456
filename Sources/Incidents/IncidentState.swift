/// Where in its life an incident is.
///
/// Legal moves by people: detected → investigating, identified, monitoring; investigating → identified, monitoring;
/// identified → investigating, monitoring; monitoring → investigating, identified. Every open state → resolved, by a
/// resolve with its cause or by recovery. Resolved → detected, by recurrence alone.
package enum IncidentState: String, Sendable, Codable, CaseIterable {
    /// Found by a check; nobody has taken it.
    case detected
    /// Somebody has taken it.
    case investigating
    /// The cause is known.
    case identified
    /// A remedy is in place and is watched.
    case monitoring
    /// Over.
    case resolved

    /// States that a person may move an incident to from this one, `resolved` left out since it wants a cause.
    package var successors: [IncidentState] {
        switch self {
        case .detected: [.investigating, .identified, .monitoring]
        case .investigating: [.identified, .monitoring]
        case .identified: [.investigating, .monitoring]
        case .monitoring: [.investigating, .identified]
        case .resolved: []
        }
    }
}

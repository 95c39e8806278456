import Probing

/// What an actuator offers, found out at first contact and after failures.
package struct ActuatorCapabilities: Sendable, Hashable {
    /// Whether the list of links was there; without it every endpoint is tried.
    package var isListed: Bool
    /// Ids of the endpoints listed.
    package var endpoints: Set<String>
    /// A guess at Boot's generation from media types and endpoint names, for people.
    package var generation: String

    /// Endpoints that answered 404.
    ///
    /// They are not asked again, for the application counts such a request as a client's error of no known path.
    package internal(set) var absent: Set<String> = []

    /// Whether an endpoint is worth asking.
    package func mayHave(_ endpoint: String) -> Bool {
        !absent.contains(endpoint) && (!isListed || endpoints.contains(endpoint))
    }

    /// What is assumed without a list of links.
    static let unknown = ActuatorCapabilities(isListed: false, endpoints: [], generation: "unknown")

    /// Reads the answer to `GET /actuator`; nil when it is no list of links.
    static func parse(_ response: HTTPResponse) -> ActuatorCapabilities? {
        guard let links = JSONValue.parse(response.body)?["_links"]?.object else { return nil }
        let endpoints = Set(links.keys)
        return ActuatorCapabilities(
            isListed: true, endpoints: endpoints,
            generation: generation(contentType: response.header("content-type") ?? "", endpoints: endpoints))
    }

    private static func generation(contentType: String, endpoints: Set<String>) -> String {
        if contentType.contains("actuator.v2") { return "2.0-2.1" }
        if endpoints.contains("httptrace") { return "2.2-2.7" }
        if endpoints.contains("sbom") || endpoints.contains("sbom-id") { return "3.3 or later" }
        if endpoints.contains("httpexchanges") { return "3.0 or later" }
        return contentType.contains("actuator.v3") ? "2.2 or later" : "unknown"
    }
}

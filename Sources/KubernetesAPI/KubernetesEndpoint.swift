package import Probing

/// Where a kubelet or an API server answers, who asks and whom to trust.
package struct KubernetesEndpoint: Sendable, Hashable {
    /// Base URL without a slash at its end, such as `https://10.0.0.7:10250`.
    package var url: String
    /// File with the bearer token, read again for each request since it rotates; nil when none is sent.
    package var tokenFile: String?
    /// Whom to trust; nobody is shown a token who is not verified.
    package var trust: HTTPRequest.Trust
    /// Time after which a request that is no watch gives up.
    package var deadline: Duration
    /// A longer answer is a failure of class `body`.
    package var bodyBytesMax: Int

    /// Names an endpoint; a slash at the URL's end is dropped.
    package init(
        url: String, tokenFile: String?, trust: HTTPRequest.Trust, deadline: Duration, bodyBytesMax: Int = 16 << 20
    ) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.tokenFile = tokenFile
        self.trust = trust
        self.deadline = deadline
        self.bodyBytesMax = bodyBytesMax
    }
}

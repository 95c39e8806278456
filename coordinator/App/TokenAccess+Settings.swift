import CertificateAuthority
import ConfigurationKit
package import CoordinatorSettings
package import KubernetesAPI
import Probing
import TargetSettings
package import TokenAccess

/// The listener for callers with tokens.
package struct TokenListener: Sendable {
    /// The host that it listens on.
    package var host: String
    /// Its port; 0 takes a free one.
    package var port: Int
    /// Whose tokens are good, and for what.
    package var access: TokenAuthenticator.Configuration
    /// The API server that is asked.
    package var apiServer: KubernetesEndpoint
    /// The coordinator's own authority; nil: the pair of mutual TLS is shown.
    package var authority: TokenSettings.Authority?

    /// Takes what the file says.
    init(_ settings: TokenSettings) {
        host = settings.listen.host
        port = settings.listen.port
        func account(_ name: NamespacedName) -> String {
            TokenPolicy.account(namespace: name.namespace, name: name.name)
        }
        var roles: [TokenPolicy.Holder: UserRole] = [:]
        for grant in settings.users {
            let holder: TokenPolicy.Holder =
                switch grant.holder {
                case .serviceAccount(let name): .account(account(name))
                case .user(let name): .account(name)
                case .group(let name): .group(name)
                }
            let role: UserRole =
                switch grant.role {
                case .viewer: .viewer
                case .responder: .responder
                case .admin: .admin
                }
            roles[holder] = role
        }
        access = TokenAuthenticator.Configuration(
            audience: settings.audience,
            policy: TokenPolicy(
                cluster: settings.cluster, agents: Set(settings.agents.map(account)), roles: roles))
        access.cache.keepFor = settings.keepFor
        apiServer = KubernetesEndpoint(
            url: settings.access.apiServer, tokenFile: settings.access.tokenFile,
            trust: HTTPRequest.Trust(settings.access.trust), deadline: settings.timeout, bodyBytesMax: 1 << 20)
        authority = settings.authority
    }
}

extension HTTPRequest.Trust {
    /// Takes what the file says.
    init(_ settings: TrustSettings) {
        self =
            switch settings {
            case .system: .system
            case .roots(let file, let serverName): .roots(file: file, serverName: serverName)
            case .pin(let sha256): .pin(sha256: sha256)
            case .insecure: .insecure
            }
    }
}

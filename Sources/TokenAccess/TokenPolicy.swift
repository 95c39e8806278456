package import CertificateAuthority
package import KubernetesAPI

/// Who may do what, by the account of their token.
package struct TokenPolicy: Hashable, Sendable {
    /// Whom a role is given to.
    package enum Holder: Hashable, Sendable {
        /// One account, by the name that the API server gives it.
        case account(String)
        /// All of a group.
        case group(String)
    }

    /// The cluster whose accounts these are, as its agents say it.
    package var cluster: String
    /// Accounts of agents.
    package var agents: Set<String>
    /// Roles of all others.
    package var roles: [Holder: UserRole]

    /// Makes a policy.
    package init(cluster: String, agents: Set<String>, roles: [Holder: UserRole]) {
        self.cluster = cluster
        self.agents = agents
        self.roles = roles
    }

    /// The name that an API server gives a service account.
    package static func account(namespace: String, name: String) -> String {
        "system:serviceaccount:\(namespace):\(name)"
    }

    /// Whether the token's node must be known.
    package func needsNode(_ reviewed: ReviewedToken) -> Bool { agents.contains(reviewed.username) }

    /// Who the holder of a token is here; of several roles, by account and by groups, the one that may do most.
    ///
    /// - Parameter node: where the token's pod runs.
    package func standing(of reviewed: ReviewedToken, node: String?) throws(TokenRefusal) -> TokenStanding {
        let account = reviewed.username
        if agents.contains(account) {
            guard let node else {
                throw TokenRefusal(
                    .unbound,
                    "the token of \(account) is bound to no pod that runs on a node; an agent's must be the one projected into its pod"
                )
            }
            return TokenStanding(account: account, identity: .agent(cluster: cluster, node: node))
        }
        let holders = [.account(account)] + reviewed.groups.map { Holder.group($0) }
        let role = holders.compactMap { roles[$0] }.max()
        return TokenStanding(account: account, identity: role.map { .user(role: $0, name: account) })
    }
}

/// Who the holder of a token is.
package struct TokenStanding: Hashable, Sendable {
    /// The account, as the API server names it.
    package var account: String
    /// Agent or user; nil for an account that has no role here.
    package var identity: PeerIdentity?

    /// Makes a standing.
    package init(account: String, identity: PeerIdentity?) {
        self.account = account
        self.identity = identity
    }
}

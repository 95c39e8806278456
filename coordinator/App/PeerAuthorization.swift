import CertificateAuthority
import GRPCCore
import GRPCNIOTransportHTTP2
import IngestWire
import QueryWire
import TokenAccess

/// Who is on the other side of a connection, from its verified client certificate or its reviewed token, and what that
/// identity may do.
struct PeerAuthorization: Sendable {
    /// The least role each call of the query service needs.
    enum Need: Sendable {
        /// Reading: status, agents, targets, incidents, samples.
        case view
        /// Changing an incident.
        case respond

        var role: UserRole {
            switch self {
            case .view: .viewer
            case .respond: .responder
            }
        }
    }

    /// The identity in the client certificate, or that of the token.
    ///
    /// The transport has verified the chain against the trust roots by now, or the interceptor of the listener for
    /// tokens had the token reviewed: no other listener has a `TokenPeer`, and that one has no certificates.
    func identity(_ context: ServerContext) throws(WireError) -> PeerIdentity {
        if let peer = context.transportSpecific as? TokenPeer {
            guard let identity = peer.standing.identity else {
                throw WireError(.denied, "\(peer.standing.account) has no role here")
            }
            return identity
        }
        guard let posix = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = posix.peerCertificate
        else {
            throw WireError(.denied, "a client certificate is needed")
        }
        do {
            return try PeerIdentity(certificate: certificate)
        } catch {
            throw WireError(.denied, "the client certificate names no agent or user: \(error)")
        }
    }

    /// The cluster and node of an agent; refuses everybody else.
    func agent(_ context: ServerContext) throws(WireError) -> FleetRegistry.AgentKey {
        guard case .agent(let cluster, let node) = try identity(context) else {
            throw WireError(.denied, "the ingest service takes agents alone")
        }
        return FleetRegistry.AgentKey(cluster: cluster, node: node)
    }

    /// Name and role of whoever calls, for the audit log; an agent's name is its cluster and node.
    func label(_ context: ServerContext) -> (name: String, role: String) {
        guard let identity = try? identity(context) else {
            return ((context.transportSpecific as? TokenPeer)?.standing.account ?? "", "")
        }
        switch identity {
        case .user(let role, let name): return (name, role.rawValue)
        case .agent(let cluster, let node): return ("\(cluster)/\(node)", "agent")
        }
    }

    /// The name of a user whose role suffices; refuses everybody else.
    func user(_ context: ServerContext, need: Need) throws -> String {
        let identity: PeerIdentity
        do {
            identity = try self.identity(context)
        } catch {
            throw QueryError(.permissionDenied, error.message)
        }
        guard case .user(let role, let name) = identity else {
            throw QueryError(.permissionDenied, "the query service takes users alone")
        }
        guard role >= need.role else {
            throw QueryError(.permissionDenied, "\(name) is a \(role.rawValue); this needs a \(need.role.rawValue)")
        }
        return name
    }
}

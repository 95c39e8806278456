import GRPCCore
import KubeletReplay
import Testing
import TocsinProto
import TocsinTestKit

/// Every RPC of every service, called by everybody, by certificate and by token.
@Suite(.serialized)
struct AuthorizationMatrixTests {
    /// Who calls.
    private enum Caller: String, CaseIterable {
        case agent, viewer, responder, admin
        /// An account that exists and has no role: by token alone, there is no such certificate.
        case stranger
        /// Nobody: no certificate, no token.
        case none
    }

    /// The least role that an RPC asks for; agents are apart from all others.
    private static let table: [String: Caller] = [
        "tocsin.v1.Ingest/Connect": .agent,
        "tocsin.v1.Query/GetStatus": .viewer,
        "tocsin.v1.Query/ListAgents": .viewer,
        "tocsin.v1.Query/ListTargets": .viewer,
        "tocsin.v1.Query/ListIncidents": .viewer,
        "tocsin.v1.Query/GetIncident": .viewer,
        "tocsin.v1.Query/AcknowledgeIncident": .responder,
        "tocsin.v1.Query/NoteIncident": .responder,
        "tocsin.v1.Query/SetIncidentState": .responder,
        "tocsin.v1.Query/ResolveIncident": .responder,
        "tocsin.v1.Query/ComposeMessage": .responder,
        "tocsin.v1.Query/ListSilences": .viewer,
        "tocsin.v1.Query/AddSilence": .responder,
        "tocsin.v1.Query/ExpireSilence": .responder,
        "tocsin.v1.Query/QuerySamples": .viewer,
        "tocsin.v1.Query/ListSubjects": .viewer,
        "tocsin.v1.Query/GetSubject": .viewer,
        "tocsin.v1.Query/ListEdges": .viewer,
        "tocsin.v1.Query/GetEffectiveChecks": .viewer,
        "tocsin.v1.Query/ListAudit": .responder,
        "tocsin.v1.Query/ReplayFindings": .responder,
    ]

    private static let methods =
        (Tocsin_V1_Ingest.Method.descriptors + Tocsin_V1_Query.Method.descriptors).sorted {
            $0.fullyQualifiedMethod < $1.fullyQualifiedMethod
        }

    private static func isAllowed(_ caller: Caller, _ least: Caller) -> Bool {
        let users: [Caller] = [.viewer, .responder, .admin]
        guard let need = users.firstIndex(of: least), let rank = users.firstIndex(of: caller) else {
            return caller == least
        }
        return rank >= need
    }

    @Test("The table has every RPC there is, and no other")
    func theTableIsWhole() {
        #expect(Set(Self.table.keys) == Set(Self.methods.map(\.fullyQualifiedMethod)))
    }

    @Test("Each caller may do what the table says and nothing else, by certificate and by token alike")
    func everyCall() async throws {
        let tokens = try await TokenLab()
        let lab = tokens.lab
        let coordinator = try await tokens.startCoordinator()
        for role in ["viewer", "responder", "admin"] {
            try await ChildProcess.run(
                "\(lab.binaries)/tocsin", ["tls", "issue", "user", lab.path("tls"), "--name", role, "--role", role])
        }
        for caller in Caller.allCases {
            if caller != .stranger {
                let name: String? =
                    switch caller {
                    case .agent: "agent-node-a"
                    case .none: nil
                    default: "user-\(caller.rawValue)"
                    }
                // Without a certificate the handshake fails, so that no call is ever judged.
                try await expect(
                    caller, by: "certificate", tokens.caller(certificate: name),
                    refusal: caller == .none ? .unavailable : .permissionDenied)
            }
            try await expect(
                caller, by: "token", try await tokens.caller(token: try token(of: caller, tokens)),
                refusal: caller == .none ? .unauthenticated : .permissionDenied)
        }
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    private func token(of caller: Caller, _ tokens: TokenLab) throws -> String? {
        switch caller {
        case .agent: try tokens.agentToken()
        case .viewer, .responder, .stranger: try tokens.issuer.token(TokenIssuer.Claims(caller.rawValue))
        case .admin: try tokens.issuer.token(TokenIssuer.Claims("anybody", namespace: "admins"))
        case .none: nil
        }
    }

    private func expect(
        _ caller: Caller, by way: String, _ raw: RawCaller, refusal: RPCError.Code
    ) async throws {
        let outcomes = try await raw.outcomes(of: Self.methods)
        for (method, outcome) in zip(Self.methods, outcomes) {
            let least = try #require(Self.table[method.fullyQualifiedMethod])
            let what =
                "\(method.fullyQualifiedMethod) by \(caller.rawValue) with \(way): \(outcome.map { "\($0)" } ?? "ok")"
            if Self.isAllowed(caller, least) {
                // The message is empty: what is wrong with it may be said, by someone who looked at it.
                let codes: [RPCError.Code?] = [nil, .invalidArgument, .notFound, .failedPrecondition]
                #expect(codes.contains(outcome?.code), "\(what)")
            } else {
                #expect(outcome?.code == refusal, "\(what)")
            }
        }
    }
}

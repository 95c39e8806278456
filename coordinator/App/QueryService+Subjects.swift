import CoordinatorSettings
import GRPCCore
import QueryWire
import SwiftProtobuf
import TocsinProto

extension QueryService {
    func listSubjects(
        request: Tocsin_V1_ListSubjectsRequest, context: ServerContext
    ) async throws -> Tocsin_V1_ListSubjectsResponse {
        _ = try user(context, .view)
        return try await inspected(SubjectQuery.init).list
    }

    func getSubject(
        request: Tocsin_V1_GetSubjectRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetSubjectResponse {
        _ = try user(context, .view)
        guard !request.name.isEmpty else { throw QueryError(.invalidArgument, "a subject is to be named") }
        let subject = try await inspected(SubjectQuery.init).subject(named: request.name, cluster: request.cluster)
        return .with { $0.subject = subject.proto }
    }

    func getEffectiveChecks(
        request: Tocsin_V1_GetEffectiveChecksRequest, context: ServerContext
    ) async throws -> Tocsin_V1_GetEffectiveChecksResponse {
        _ = try user(context, .view)
        guard request.subject.contains("/") else {
            throw QueryError(
                .invalidArgument, "a subject is NAMESPACE/KIND/NAME, postgresql/NAME, node/NAME or target/KIND/NAME")
        }
        let checks = pipeline.snapshot.thresholds.effectiveChecks(for: request.subject)
        return .with { $0.checks = checks.map { EffectiveCheckView($0).proto } }
    }

    private func inspected<Value: Sendable>(_ ask: @escaping @Sendable (DetectionCore) -> Value) async throws -> Value {
        guard let value = await pipeline.inspect(ask) else {
            throw QueryError(.unavailable, "the coordinator is stopping")
        }
        return value
    }
}

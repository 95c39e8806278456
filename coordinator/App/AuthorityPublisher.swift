import CertificateAuthority
import FlowControl
import KubernetesAPI
import Logging
import ServiceLifecycle
import Synchronization

/// Publishes the certificate of the coordinator's own authority in a ConfigMap, where agents and people find it; never
/// its key.
///
/// Looks again now and then: what was changed or taken away is put back.
struct AuthorityPublisher: Service {
    /// How often what is published is compared.
    static let interval: Duration = .seconds(300)
    /// The entry of the ConfigMap.
    static let entry = "ca.crt"

    /// What came of it so far.
    final class Publication: Sendable {
        private let state = Mutex((isPublished: false, failures: UInt64(0)))

        /// Whether the last look found the certificate, or put it there.
        var isPublished: Bool { state.withLock { $0.isPublished } }
        /// Looks that failed; only rises.
        var failures: UInt64 { state.withLock { $0.failures } }

        func set(_ isPublished: Bool) {
            state.withLock {
                $0.isPublished = isPublished
                if !isPublished { $0.failures += 1 }
            }
        }
    }

    let writer: ConfigMapWriter
    /// `NAMESPACE/NAME`.
    let name: String
    /// PEM file of the authority's certificate.
    let file: String
    let logger: Logger
    let publication = Publication()

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = Backoff(base: .milliseconds(500), cap: .seconds(30))
            var generator = SystemRandomNumberGenerator()
            var lastReason = ""
            while !Task.isCancelled {
                let reason = await self.publish()
                if Task.isCancelled { return }
                self.publication.set(reason == nil)
                if let reason, reason != lastReason {
                    self.logger.error(
                        "the authority's certificate is not published; it is tried again",
                        metadata: ["configMap": "\(self.name)", "reason": "\(reason)"])
                }
                lastReason = reason ?? ""
                if reason == nil { backoff.reset() }
                try? await Task.sleep(for: reason == nil ? Self.interval : backoff.next(using: &generator))
            }
        }
    }

    /// Nil, or why the certificate is not published.
    private func publish() async -> String? {
        let certificate: String
        do {
            certificate = try CertificateDirectory.read(file)
        } catch {
            return error.message
        }
        switch await writer.keep(Self.entry, certificate) {
        case .success(.unchanged): return nil
        case .success:
            logger.notice("the authority's certificate is published", metadata: ["configMap": "\(name)"])
            return nil
        case .failure(let problem) where problem.status == 403:
            return
                "\(problem.message); the coordinator's account must be allowed to get and patch it, and to create it where it is missing"
        case .failure(let problem): return problem.message
        }
    }
}

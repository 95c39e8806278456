import CertificateAuthority
import Dispatch
import Foundation
import Logging
import NIOCertificateReloading
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The coordinator's own pair and the roots it trusts, read again when their files change; a pair that the coordinator
/// makes for itself is made again before it ends.
///
/// Connections that stand go on; the next handshake has the new ones. A file that cannot be used leaves what is in
/// force as it is, and says so once.
final class CertificateKeeper: Service {
    /// How often the files are looked at.
    static let interval: Duration = .seconds(10)

    /// Where the pair and the roots are.
    struct Paths: Sendable {
        var certificate: String
        var key: String
        /// Nil for a listener to which nobody shows a certificate.
        var trustRoots: String?
        /// What makes the pair; nil when others do.
        var maker: OwnCertificates?
    }

    private struct Files: Equatable {
        var certificate: String
        var key: String
        var roots: String?
    }

    private struct State {
        var roots: TrustRoots?
        /// What was looked at last, whether it could be used or not.
        var seen: Files
        var notValidAfter: Date
        /// Why the own pair could not be made at the last look, so that it is said once.
        var fault: String?
    }

    /// Offers the pair to the listener.
    let reloader: TimedCertificateReloader
    private let paths: Paths
    private let state: Mutex<State>
    private let counters: CounterBoard
    private let logger: Logger

    /// Reads the files for the first time; throws `CertificateAuthorityError` or the reloader's error, which name the
    /// file.
    init(paths: Paths, counters: CounterBoard, logger: Logger) throws {
        self.paths = paths
        self.counters = counters
        self.logger = logger
        try paths.maker?.prepare(now: Date())
        let files = try Self.read(paths)
        reloader = try TimedCertificateReloader.makeReloaderValidatingSources(
            refreshInterval: Self.interval,
            certificateSource: .init(location: .file(path: paths.certificate), format: .pem),
            privateKeySource: .init(location: .file(path: paths.key), format: .pem))
        state = Mutex(
            State(
                roots: try files.roots.map { try TrustRoots(pem: $0) }, seen: files,
                notValidAfter: try CertificateSummary(pem: files.certificate).notValidAfter))
    }

    /// When the pair in force ends.
    var notValidAfter: Date { state.withLock { $0.notValidAfter } }

    /// Roots of the callers' certificates; nil when they are not asked for any.
    var trustRootsFile: String? { paths.trustRoots }

    /// What callers show where the pair is shown to them: `certificates` or `tokens`.
    var callers: String { paths.trustRoots == nil ? "tokens" : "certificates" }

    /// Judges what a client shows in its handshake, in place of BoringSSL, which knows only the roots it was made with.
    func verify(_ presented: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResultWithMetadata>) {
        let roots = state.withLock { $0.roots }
        // Ends by itself: a chain has at most `TrustRoots.presentedMax` certificates. It leaves the event loop, which
        // must not wait for signatures.
        Task {
            do {
                guard let roots else {
                    throw CertificateAuthorityError(.untrusted, "no certificate is taken here")
                }
                let chain = try await roots.clientChain(of: try presented.map { try $0.toDERBytes() })
                let verified = try chain.map { try NIOSSLCertificate(bytes: $0, format: .der) }
                promise.succeed(.certificateVerified(VerificationMetadata(ValidatedCertificateChain(verified))))
            } catch {
                counters.add { $0.handshakesRefused += 1 }
                logger.info("a client's certificate was refused", metadata: ["reason": "\(error)"])
                promise.succeed(.failed)
            }
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
                await self.refresh()
            }
        }
    }

    /// Looks at the files on a thread that may wait for a disk.
    private func refresh() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                self.look()
                continuation.resume()
            }
        }
    }

    /// Makes the own pair again when it is due; tried at every look, and what is in force lasts for a month yet.
    private func renewOwn() {
        guard let maker = paths.maker else { return }
        var fault: String?
        do {
            try maker.prepare(now: Date())
        } catch {
            fault = error.message
        }
        let isNews = state.withLock { state in
            defer { state.fault = fault }
            return state.fault != fault
        }
        guard isNews, let fault else { return }
        counters.add { $0.certificatesRefused += 1 }
        logger.error("the own certificate cannot be made again; it is tried again", metadata: ["reason": "\(fault)"])
    }

    private func look() {
        do {
            renewOwn()
            let files = try Self.read(paths)
            guard files != state.withLock({ $0.seen }) else { return }
            state.withLock { $0.seen = files }
            let roots = try files.roots.map { try TrustRoots(pem: $0) }
            let summary = try CertificateSummary(pem: files.certificate)
            try reloader.reload()
            state.withLock {
                $0.roots = roots
                $0.notValidAfter = summary.notValidAfter
            }
            counters.add { $0.certificatesReloaded += 1 }
            logger.notice(
                "certificate and trust roots reloaded",
                metadata: ["until": "\(summary.notValidAfter.formatted(.iso8601))", "roots": "\(roots?.count ?? 0)"])
        } catch {
            counters.add { $0.certificatesRefused += 1 }
            logger.error(
                "certificate files not usable, those before stay in force", metadata: ["reason": "\(error)"])
        }
    }

    private static func read(_ paths: Paths) throws(CertificateAuthorityError) -> Files {
        var files = Files(
            certificate: try CertificateDirectory.read(paths.certificate),
            key: try CertificateDirectory.read(paths.key))
        if let roots = paths.trustRoots { files.roots = try CertificateDirectory.read(roots) }
        return files
    }
}

import CertificateAuthority
import Dispatch
import Foundation
import Logging
import NIOCertificateReloading
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The coordinator's own pair and the roots it trusts, read again when their files change.
///
/// Connections that stand go on; the next handshake has the new ones. A file that cannot be used leaves what is in
/// force as it is, and says so once.
final class CertificateKeeper: Service {
    /// How often the files are looked at.
    static let interval: Duration = .seconds(10)

    private struct Files: Equatable {
        var certificate: String
        var key: String
        var roots: String
    }

    private struct State {
        var roots: TrustRoots
        /// What was looked at last, whether it could be used or not.
        var seen: Files
        var notValidAfter: Date
    }

    /// Offers the pair to the listener.
    let reloader: TimedCertificateReloader
    private let paths: CoordinatorApp.TLSFiles
    private let state: Mutex<State>
    private let counters: CounterBoard
    private let logger: Logger

    /// Reads the files for the first time; throws `CertificateAuthorityError` or the reloader's error, which name the
    /// file.
    init(paths: CoordinatorApp.TLSFiles, counters: CounterBoard, logger: Logger) throws {
        self.paths = paths
        self.counters = counters
        self.logger = logger
        let files = try Self.read(paths)
        reloader = try TimedCertificateReloader.makeReloaderValidatingSources(
            refreshInterval: Self.interval,
            certificateSource: .init(location: .file(path: paths.certificate), format: .pem),
            privateKeySource: .init(location: .file(path: paths.key), format: .pem))
        state = Mutex(
            State(
                roots: try TrustRoots(pem: files.roots), seen: files,
                notValidAfter: try CertificateSummary(pem: files.certificate).notValidAfter))
    }

    /// When the pair in force ends.
    var notValidAfter: Date { state.withLock { $0.notValidAfter } }

    /// Judges what a client shows in its handshake, in place of BoringSSL, which knows only the roots it was made with.
    func verify(_ presented: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResultWithMetadata>) {
        let roots = state.withLock { $0.roots }
        // Ends by itself: a chain has at most `TrustRoots.presentedMax` certificates. It leaves the event loop, which
        // must not wait for signatures.
        Task {
            do {
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

    private func look() {
        do {
            let files = try Self.read(paths)
            guard files != state.withLock({ $0.seen }) else { return }
            state.withLock { $0.seen = files }
            let roots = try TrustRoots(pem: files.roots)
            let summary = try CertificateSummary(pem: files.certificate)
            try reloader.reload()
            state.withLock {
                $0.roots = roots
                $0.notValidAfter = summary.notValidAfter
            }
            counters.add { $0.certificatesReloaded += 1 }
            logger.notice(
                "certificate and trust roots reloaded",
                metadata: ["until": "\(summary.notValidAfter.formatted(.iso8601))", "roots": "\(roots.count)"])
        } catch {
            counters.add { $0.certificatesRefused += 1 }
            logger.error(
                "certificate files not usable, those before stay in force", metadata: ["reason": "\(error)"])
        }
    }

    private static func read(_ paths: CoordinatorApp.TLSFiles) throws(CertificateAuthorityError) -> Files {
        Files(
            certificate: try CertificateDirectory.read(paths.certificate),
            key: try CertificateDirectory.read(paths.key), roots: try CertificateDirectory.read(paths.trustRoots))
    }
}

import CertificateAuthority
import CoordinatorSettings
import CurlHTTP
import GRPCCore
import KubernetesAPI
import Logging
import ServiceLifecycle
import Telemetry
import TokenAccess

/// The gRPC listeners and what they need: their certificates, the review of tokens, the authority's publication.
///
/// Both listeners have the same services; who a caller is comes from its certificate at the one and from its token at
/// the other.
struct Listeners {
    /// Where the ports are put that the listeners take.
    struct Addresses {
        var certificates: AddressBox
        var tokens: AddressBox
    }

    /// Where in the data folder an authority of our own is kept.
    static let authorityDirectory = "tls"

    /// In the order of dependence: the servers are last, so that they stop first.
    private(set) var services: [any Service] = []
    /// What keeps the certificates.
    private(set) var keepers: [CertificateKeeper] = []
    /// What is told of tokens; nil when nobody is let in by one.
    private(set) var figures: TokenFigures?
    /// Bounds the connections of both listeners together.
    let gate: ConnectionGate

    init(
        _ configuration: CoordinatorApp.Configuration, counters: CounterBoard, client: CurlHTTPClient, logger: Logger,
        now: @escaping @Sendable () -> Timestamp, addresses: Addresses, services: [any RegistrableRPCService]
    ) throws {
        let gate = ConnectionGate(
            limits: ConnectionTable.Limits(configuration.listener),
            firstCallWithin: configuration.listener.firstCallWithin, counters: counters)
        self.gate = gate
        // It asks who calls, so it comes behind the interceptor that finds out.
        let calls = CallLimiter(
            callsMax: configuration.listener.callsPerClientMax, authorization: PeerAuthorization(), counters: counters)
        var servers: [any Service] = []
        func server(
            _ host: String, _ port: Int, _ keeper: CertificateKeeper, _ address: AddressBox,
            _ interceptors: [any ServerInterceptor] = []
        ) -> any Service {
            GRPCService(
                host: host, port: port, frameBytesMax: configuration.ingest.frameBytesMax,
                callsPerClientMax: configuration.listener.callsPerClientMax, certificates: keeper, gate: gate,
                services: services, interceptors: interceptors + [calls], address: address, logger: logger)
        }
        if let tls = configuration.tls {
            let keeper = try CertificateKeeper(
                paths: CertificateKeeper.Paths(
                    certificate: tls.certificate, key: tls.key, trustRoots: tls.trustRoots), counters: counters,
                logger: logger)
            keepers.append(keeper)
            servers.append(server(configuration.host, configuration.port, keeper, addresses.certificates))
        }
        if let tokens = configuration.tokens {
            let own = tokens.authority.map {
                OwnCertificates(
                    path: "\(configuration.dataDirectory)/\(Self.authorityDirectory)", hosts: $0.hosts)
            }
            let keeper = try CertificateKeeper(
                paths: CertificateKeeper.Paths(
                    certificate: own?.certificateFile ?? configuration.tls?.certificate ?? "",
                    key: own?.keyFile ?? configuration.tls?.key ?? "", maker: own), counters: counters, logger: logger)
            keepers.append(keeper)
            let authenticator = TokenAuthenticator(
                tokens.access, reviewer: TokenReviewer(tokens.apiServer, fetcher: client), now: now)
            var figures = TokenFigures(authenticator: authenticator)
            if let own, let map = tokens.authority?.configMap {
                let publisher = AuthorityPublisher(
                    writer: ConfigMapWriter(
                        namespace: map.namespace, name: map.name, at: tokens.apiServer, fetcher: client),
                    name: "\(map)", file: own.authorityFile, logger: logger)
                self.services.append(publisher)
                figures.publication = publisher.publication
            }
            self.figures = figures
            let interceptor = TokenInterceptor(
                authenticator: authenticator, log: RefusalLog(logger), gate: gate, now: now)
            servers.append(server(tokens.host, tokens.port, keeper, addresses.tokens, [interceptor]))
        }
        self.services += keepers.map { $0 as any Service } + servers
    }
}

/// What is told of tokens at `/metrics`.
struct TokenFigures: Sendable {
    let authenticator: TokenAuthenticator
    /// Nil when no authority is published.
    var publication: AuthorityPublisher.Publication?

    /// Adds it to the page of metrics.
    func write(to page: inout Exposition) {
        let counters = authenticator.counters
        page.add("tokens_accepted_total", .counter, counters.accepted)
        page.add(
            "tokens_refused_total", .counter,
            TokenRefusal.Reason.allCases.map { ("{reason=\"\($0.rawValue)\"}", counters.refused[$0] ?? 0) })
        page.add("token_reviews_total", .counter, counters.reviews)
        page.add("token_reviews_failed_total", .counter, counters.reviewsFailed)
        page.add("token_answers_evicted_total", .counter, counters.evictions)
        if let publication {
            page.add("authority_published", .gauge, publication.isPublished ? 1 : 0)
            page.add("authority_publish_failures_total", .counter, publication.failures)
        }
    }
}

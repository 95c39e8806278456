import CurlHTTP
import Foundation
import KubeletReplay
import TocsinTestKit

/// Everything the demo runs on: a PostgreSQL, a JVM service, a kubelet that replays a captured node, coordinator and
/// agent.
struct DemoStage: Sendable {
    static let node = "lab-node-1"
    /// What is probed and how often.
    struct Options {
        var interval = "2s"
        /// Actuator targets; all are the one JVM service under different names.
        var actuators = 1
        /// The whole captured node instead of its healthy pods.
        var wholeNode = false
    }

    /// Pods of the captured node that are well; the others would open incidents of their own.
    static let pods: Set<String> = ["oddsmaker-control", "oddsmaker-feed", "ledger-0", "node-exporterish"]
    static let token = "demo-token"

    let console: DemoConsole
    let options: Options
    let lab: TocsinLab
    let database: PostgresCluster
    let service: JavaService
    let kubelet: KubeletReplay
    let client: CurlHTTPClient
    let traffic: Traffic
    /// The pod of the captured node whose actuator the JVM service stands for.
    let servicePod: String
    /// The pod and container that will be OOM-killed.
    let victim: (pod: String, container: String)
    /// Workload path of the victim, as incidents name it.
    let victimSubject: String

    static let serviceSubject = "oddsmaker/Deployment/oddsmaker-control"
    static let databaseSubject = "postgresql/orders-db"

    static func start(_ console: DemoConsole, _ options: Options = Options()) async throws -> DemoStage {
        console.say("starting PostgreSQL (own cluster in a temporary folder)")
        let database = try await PostgresCluster.start(.init(maxConnections: 20))
        try await database.execute(
            "CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts VALUES (1, 100)")
        try await database.execute("CREATE ROLE tocsin LOGIN PASSWORD 'tocsin'; GRANT pg_monitor TO tocsin")
        console.say("starting the JVM service (plain JDK, 96 MiB heap)")
        let service = try await JavaService.start(.init(jvm: ["-Xmx96m"], service: ["--workers", "100"]))
        console.say("making certificates (tocsin tls init)")
        let lab = try await TocsinLab(nodes: [node])
        console.say("starting the kubelet that replays the captured node")
        let kubeletTLS = try await serverCertificate(in: lab)
        let state = try capturedNode(whole: options.wholeNode)
        let kubelet = KubeletReplay(state, tls: kubeletTLS, tokens: [token])
        let kubeletPort = try await kubelet.start()
        let client = CurlHTTPClient()
        let names = state.podNames.sorted()
        guard let servicePod = names.first(where: { $0.hasPrefix("oddsmaker-control-") }),
            names.contains("ledger-0")
        else { throw ChildProcess.Failure(description: "the captured node lacks the demo's pods: \(names)") }
        let stage = DemoStage(
            console: console, options: options, lab: lab, database: database, service: service, kubelet: kubelet,
            client: client,
            traffic: Traffic(client: client, url: service.url), servicePod: servicePod,
            victim: ("ledger-0", "ledger"), victimSubject: "oddsmaker/StatefulSet/ledger")
        try stage.writeConfiguration(kubeletPort: kubeletPort)
        return stage
    }

    /// Ends everything; the temporary folders go with their owners.
    func stop() async {
        try? await kubelet.stop()
        try? await database.stop(.immediate)
        await service.stop()
        await client.shutdown()
    }

    private static func serverCertificate(in lab: TocsinLab) async throws -> KubeletReplay.TLS {
        // A kubelet's certificate names its node: the same authority serves here as the cluster's.
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "init", lab.path("kubelet-tls"), "--host", node])
        return KubeletReplay.TLS(
            certificateFile: lab.path("kubelet-tls/coordinator.crt"), keyFile: lab.path("kubelet-tls/coordinator.key"))
    }

    private static func capturedNode(whole: Bool) throws -> KubeletState {
        let fixtures = TocsinLab.packageRoot + "/Tests/Fixtures/k8s/kubelet"
        var state = try KubeletState(
            podsFile: "\(fixtures)/pods.1.json.gz", statsFile: "\(fixtures)/stats-summary.1.json.gz", shiftedTo: Date())
        if whole { return state }
        let wanted = state.podNames.filter { name in pods.contains { name == $0 || name.hasPrefix($0 + "-") } }
        try state.keepOnly(pods: Set(wanted))
        return state
    }

    private func writeConfiguration(kubeletPort: Int) throws {
        _ = try lab.folder.write(Self.token, to: "kubelet.token")
        _ = try lab.folder.write("tocsin", to: "database.password")
        try lab.writeCoordinator(
            step: options.interval, thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(
            node: Self.node, interval: options.interval,
            probes: """
                kubelet:
                  url: https://127.0.0.1:\(kubeletPort)
                  tokenFile: kubelet.token
                  trust: clusterCA
                  caFile: kubelet-tls/ca.crt
                  serverName: \(Self.node)
                actuators:
                \(actuators)
                databases:
                  - name: orders-db
                    host: 127.0.0.1
                    port: \(database.port)
                    database: postgres
                    user: tocsin
                    passwordFile: database.password
                    sslMode: disable
                """)
    }

    private var actuators: String {
        (0..<options.actuators).map { index in
            """
              - name: oddsmaker-control\(index == 0 ? "" : "-\(index)")
                url: \(service.actuatorURL)
                namespace: oddsmaker
                workload: Deployment/oddsmaker-control
                pod: \(servicePod)\(index == 0 ? "" : "-\(index)")
            """
        }.joined(separator: "\n")
    }
}

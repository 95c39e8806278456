import AgentSettings
import ConfigurationKit
import LogText
import TargetSettings
import Telemetry
import Testing

@Suite struct AgentSettingsTests {
    private func decoded(_ name: String) throws -> AgentSettings {
        try AgentSettings.decode(GoldenFiles.source(name), environment: GoldenFiles.environment).value
    }

    @Test func defaultsAreFilledIn() throws {
        let settings = try decoded("agent/minimal.yaml")
        #expect(settings.cluster == "production")
        #expect(settings.node == "worker-7")
        #expect(
            settings.coordinator == .init(endpoint: HostPort(host: "coordinator.example", port: 7443), serverName: nil))
        #expect(
            settings.tls
                == TLSFiles(
                    certificateFile: "/etc/tocsin/tls/agent.crt", keyFile: "/etc/tocsin/tls/agent.key",
                    trustRootsFile: "/etc/tocsin/tls/ca.crt"))
        #expect(settings.dataDirectory == "/var/lib/tocsin-agent")
        #expect(settings.interval == .seconds(10))
        #expect(settings.spool.bytesMax == 256 << 20)
        #expect(settings.httpListen == HostPort(host: "127.0.0.1", port: 7481))
        #expect(settings.limits == .init(seriesMax: 20_000, residentBytesMax: 64 << 20))
        #expect(settings.kubelet == nil)
        #expect(settings.actuators.isEmpty)
        let database = try #require(settings.databases.first)
        #expect(database.port == 5432)
        #expect(database.database == "postgres")
        #expect(database.user == "tocsin")
        #expect(database.password == nil)
        #expect(database.sslMode == .require)
        #expect(database.statementTimeout == .seconds(2))
        #expect(database.timing.interval == .seconds(10))
        #expect(database.timing.timeout == .seconds(5))
    }

    @Test func aTokenInPlaceOfACertificate() throws {
        let settings = try decoded("agent/token.yaml")
        #expect(settings.credentials == .token(file: "/etc/tocsin/coordinator.token", trustRootsFile: "/ca.crt"))
        #expect(settings.coordinator.endpoint.port == 7444)
    }

    @Test func everyKeyArrives() throws {
        let settings = try decoded("agent/full.yaml")
        #expect(settings.coordinator.endpoint == HostPort(host: "fd00::7", port: 7443))
        #expect(settings.coordinator.serverName == "coordinator.example")
        #expect(settings.tls?.certificateFile == "/etc/tls/agent.crt")
        #expect(settings.tls?.keyFile == "/etc/tocsin/tls/agent.key")
        #expect(settings.tls?.trustRootsFile == "/roots.crt")
        #expect(settings.dataDirectory == "/etc/tocsin/data")
        #expect(settings.interval == .seconds(15))
        #expect(settings.spool.bytesMax == 64 << 20)
        #expect(settings.httpListen == HostPort(host: "0.0.0.0", port: 0))
        #expect(settings.limits == .init(seriesMax: 5000, residentBytesMax: 48 << 20))
        let kubelet = try #require(settings.kubelet)
        #expect(kubelet.url == "https://127.0.0.1:10250")
        #expect(kubelet.trust == .pin(sha256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))
        #expect(kubelet.tokenFile == "/var/run/secrets/token")
        #expect(kubelet.timing.interval == .seconds(30))
        #expect(kubelet.timing.timeout == .seconds(20))
    }

    @Test func actuatorsCarryTheirIdentity() throws {
        let actuators = try decoded("agent/full.yaml").actuators
        #expect(actuators.map(\.name) == ["control-1", "plain"])
        #expect(actuators[0].url == "https://10.1.2.3:8086/actuator")
        #expect(
            actuators[0].labels == [
                "namespace": "oddsmaker", "workload": "Deployment/oddsmaker-control", "pod": "oddsmaker-control-7c9d",
                "node": "worker-2",
            ])
        #expect(actuators[0].credentials == .bearer(.file("/etc/tocsin/secrets/control.token")))
        #expect(actuators[0].trust == .roots(file: "/etc/tocsin/ca.crt", serverName: "control.example"))
        #expect(actuators[0].timing.interval == .seconds(15))
        #expect(actuators[0].timing.timeout == .seconds(3))
        #expect(actuators[1].labels == LabelSet())
        #expect(actuators[1].credentials == .basic(.environment("ACTUATOR_LOGIN")))
        #expect(actuators[1].trust == .system)
        // The default of five seconds would overlap the next probe.
        #expect(actuators[1].timing.timeout == .seconds(2))
    }

    @Test func databasesKeepStatementsInsideTheProbe() throws {
        let databases = try decoded("agent/full.yaml").databases
        #expect(databases[0].host == "orders-db.example")
        #expect(databases[0].port == 5433)
        #expect(databases[0].database == "orders")
        #expect(databases[0].user == "probe")
        #expect(databases[0].password == .file("/etc/tocsin/secrets/orders"))
        #expect(databases[0].sslMode == .verifyFull)
        #expect(databases[0].sslRootFile == "/etc/ssl/pg.crt")
        #expect(databases[0].statementTimeout == .milliseconds(1500))
        #expect(databases[1].host == "/var/run/postgresql")
        #expect(databases[1].timing.timeout == .seconds(1))
        #expect(databases[1].statementTimeout == .seconds(1))
    }

    @Test func queriesAndTheLoginTableArrive() throws {
        let databases = try decoded("agent/full.yaml").databases
        let queries = databases[0].queries
        #expect(queries.map(\.name) == ["open_bets", "queue"])
        #expect(queries[0].sql.hasPrefix("SELECT currency, count(*)"))
        #expect(queries[0].labels == ["currency"] && queries[0].values == ["bets", "stake"])
        #expect(queries[0].rowsMax == 30)
        #expect(queries[0].interval == .seconds(300) && queries[0].timeout == .seconds(1))
        #expect(queries[1].rowsMax == 100)
        #expect(queries[1].interval == .seconds(60) && queries[1].timeout == .seconds(2))
        let audit = try #require(databases[0].audit)
        #expect(audit.table == "security.audit_logs" && audit.timeColumn == "at" && audit.accountColumn == "login")
        #expect(audit.addressColumn == nil && audit.keyColumn == "id")
        #expect(audit.actionColumn == "event" && audit.loginAction == "SIGN_IN")
        #expect(audit.resultColumn == "outcome" && audit.failure == "DENIED" && audit.success == "GRANTED")
        #expect(audit.interval == .seconds(30))
        #expect(audit.labels == ["namespace": "oddsmaker", "workload": "Deployment/oddsmaker-control"])
        #expect(databases[1].queries.isEmpty && databases[1].audit == nil)
    }

    /// Without further words the table is the runbook's.
    @Test func theLoginTablesDefaultsAreTheRunbooks() throws {
        let text = try GoldenFiles.text("agent/minimal.yaml").replacing(
            "host: 10.0.0.7}", with: "host: 10.0.0.7, audit: {accountColumn: username}}")
        let source = ConfigurationSource(file: "agent.yaml", folder: ".", text: text)
        let settings = try AgentSettings.decode(source, environment: GoldenFiles.environment).value
        let read = try #require(settings.databases.last?.audit)
        #expect(read.table == "audit_logs" && read.timeColumn == "created_at" && read.addressColumn == "client_ip")
        #expect(read.actionColumn == "action" && read.loginAction == "LOGIN")
        #expect(read.resultColumn == "result" && read.failure == "FAILURE" && read.success == "SUCCESS")
        #expect(read.labels == LabelSet() && read.interval == .seconds(10))
    }

    @Test func aliasesAreFollowed() throws {
        let actuators = try decoded("agent/anchors.yaml").actuators
        #expect(actuators.map(\.trust) == [.insecure, .insecure])
    }

    @Test func aPodIsNamedAfterItsTargetUnlessItHasAName() throws {
        let text = try GoldenFiles.text("agent/full.yaml").replacing("    pod: oddsmaker-control-7c9d\n", with: "")
        let source = ConfigurationSource(file: "agent.yaml", folder: ".", text: text)
        let settings = try AgentSettings.decode(source, environment: GoldenFiles.environment).value
        #expect(settings.actuators[0].labels[LabelName.pod] == "control-1")
    }

    @Test func namedFilesThatAreMissingAreWarnedOf() throws {
        let loaded = try AgentSettings.decode(
            GoldenFiles.source("agent/minimal.yaml"), environment: GoldenFiles.environment)
        #expect(
            loaded.missingFiles().map(\.description) == [
                "minimal.yaml:5:24: warning: tls.certificateFile: value '/etc/tocsin/tls/agent.crt': there is no such file",
                "minimal.yaml:5:48: warning: tls.keyFile: value '/etc/tocsin/tls/agent.key': there is no such file",
                "minimal.yaml:5:79: warning: tls.trustRootsFile: value '/etc/tocsin/tls/ca.crt': there is no such file",
            ])
    }

    @Test func discoveryBindsCredentialsByGlob() throws {
        let discovery = try decoded("agent/full.yaml").discovery
        #expect(discovery.targetsMax == 20)
        #expect(discovery.timing.interval == .seconds(15))
        func login(_ namespace: String, _ workload: String) -> TargetCredentials? {
            discovery.credentials(namespace: namespace, workload: workload)
        }
        #expect(login("oddsmaker", "Deployment/oddsmaker-control") == .bearer(.file("/etc/tocsin/control.token")))
        #expect(login("oddsmaker", "Deployment/other") == .basic(.environment("ACTUATOR_LOGIN")))
        #expect(login("oddsmaker-2", "Deployment/other") == nil)
        #expect(discovery.metrics.takes("queue_depth") && !discovery.metrics.takes("go_goroutines"))
        #expect(discovery.metrics.seriesMax == 50)
        let defaults = try decoded("agent/minimal.yaml").discovery
        #expect(defaults.isEnabled && defaults.bindings.isEmpty)
        #expect(!defaults.metrics.takes("queue_depth"), "nothing is taken that nobody named")
    }

    @Test func logsOfFilesTakeThePlaceOfContainers() throws {
        let logs = try #require(try decoded("agent/full.yaml").logs)
        #expect(logs.directory == nil)
        #expect(logs.files.map(\.name) == ["nginx", "system"])
        #expect(logs.files.map(\.format) == [.plain, .journal])
        #expect(logs.files[0].path == "/var/log/nginx/*.log")
        #expect(
            logs.files[0].labels == [LabelName.namespace: "oddsmaker", LabelName.workload: "Deployment/edge"])
        #expect(logs.redact == ["SE-[0-9]{6}"])
        #expect(logs.timing.interval == .seconds(30))
    }

    @Test func loginsAreLookedForInTheLogsThatAreNamed() throws {
        let logins = try #require(try decoded("agent/full.yaml").logs).logins
        #expect(logins.map(\.patterns.count) == [2, 1, 2])
        #expect(logins[2].patterns.map(\.isSuccess) == [false, true])
        func applies(_ entry: Int, _ workload: String?, _ file: String?, _ unit: String? = nil) -> Bool {
            let parts = workload?.split(separator: "/", maxSplits: 1).map(String.init)
            return logins[entry].applies(namespace: parts?[0], workload: parts?[1], file: file, unit: unit)
        }
        #expect(applies(0, nil, "system", "ssh.service"))
        #expect(!applies(0, nil, "system", "app.service") && !applies(0, nil, "system"))
        #expect(!applies(0, nil, "nginx", "ssh.service") && !applies(0, "a/Pod/b", nil, "ssh.service"))
        #expect(applies(1, "oddsmaker/Deployment/edge", nil) && applies(1, "oddsmaker/Deployment/edge", "nginx"))
        #expect(!applies(1, "oddsmaker/StatefulSet/db", nil) && !applies(1, "shop/Deployment/edge", nil))
        #expect(!applies(1, nil, "system"))
        #expect(applies(2, nil, "system") && applies(2, "shop/Pod/x", nil), "without names it is any log")
    }

    @Test func prometheusTargetsSayWhatIsTaken() throws {
        let target = try #require(try decoded("agent/full.yaml").prometheus.first)
        #expect(target.name == "queue")
        #expect(target.url == "http://127.0.0.1:9419/metrics")
        #expect(target.metrics.takes("rabbitmq_queue_messages"))
        #expect(target.metrics.seriesMax == 500)
        #expect(target.timing.interval == .seconds(15))
    }

    @Test(arguments: [
        (["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"], "https://10.96.0.1:443"),
        (["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"], "https://[fd00::1]:6443"),
        (["KUBERNETES_SERVICE_HOST": "10.96.0.1"], "https://kubernetes.default.svc"),
        ([:], "https://kubernetes.default.svc"),
    ])
    func theAPIServerIsWhereEveryPodIsTold(variables: [String: String], expected: String) throws {
        let text = try GoldenFiles.text("agent/minimal.yaml") + "\nkubernetes: {}\n"
        let settings = try AgentSettings.decode(
            ConfigurationSource(file: "agent.yaml", folder: "/etc/tocsin", text: text),
            environment: GoldenFiles.environment.merging(variables) { $1 })
        #expect(settings.value.kubernetes?.apiServer == expected)
    }
}

extension AgentSettings {
    /// The files of a certificate; nil with a token.
    fileprivate var tls: TLSFiles? {
        if case .certificate(let files) = credentials { files } else { nil }
    }
}

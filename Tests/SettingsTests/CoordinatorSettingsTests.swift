import ConfigurationKit
import CoordinatorSettings
import TargetSettings
import Testing

@Suite struct CoordinatorSettingsTests {
    private func decoded(_ name: String) throws -> CoordinatorSettings {
        try CoordinatorSettings.decode(GoldenFiles.source(name), environment: [:]).value
    }

    @Test func defaultsAreFilledIn() throws {
        let settings = try decoded("coordinator/minimal.yaml")
        #expect(settings.listen == HostPort(host: "0.0.0.0", port: 7443))
        #expect(settings.tls?.certificateFile == "/etc/tocsin/tls/coordinator.crt")
        #expect(settings.dataDirectory == "/var/lib/tocsin-coordinator")
        #expect(settings.httpListen == HostPort(host: "127.0.0.1", port: 7480))
        #expect(settings.thresholdsFile == "/etc/tocsin/thresholds.yaml")
        #expect(settings.step == .seconds(10))
        #expect(settings.retention == .init(age: .seconds(15 * 86_400), bytesMax: 10 << 30))
        #expect(settings.retention.cells == .init(age: .seconds(30 * 86_400), bytesMax: 2 << 30))
        #expect(
            settings.agents == .init(suspectAfter: .seconds(15), silentAfter: .seconds(30), targetLease: .seconds(30)))
        #expect(
            settings.incidents
                == .init(
                    reopenWithin: .seconds(1800), severityHysteresis: .seconds(300), openMax: 1000,
                    correlateWithin: .seconds(300), consequencesOutlast: .seconds(600),
                    flapping: .init(openings: 3, within: .seconds(3600), quiet: .seconds(900))))
        #expect(
            settings.limits
                == .init(agentsMax: 500, seriesPerAgentMax: 20_000, frameBytesMax: 4 << 20, subjectsMax: 5000))
    }

    @Test func callersWithTokens() throws {
        let settings = try decoded("coordinator/tokens.yaml")
        #expect(settings.tls == nil)
        let tokens = try #require(settings.tokens)
        #expect(tokens.listen == HostPort(host: "127.0.0.1", port: 7000))
        #expect(tokens.cluster == "shop" && tokens.audience == "tocsin-shop")
        #expect(tokens.access.apiServer == "https://10.0.0.1:6443")
        #expect(tokens.access.tokenFile == "/etc/tocsin/token")
        #expect(tokens.timeout == .seconds(2) && tokens.keepFor == .seconds(30))
        #expect(tokens.agents == [NamespacedName(namespace: "tocsin", name: "tocsin-agent")])
        #expect(
            tokens.users == [
                .init(holder: .serviceAccount(NamespacedName(namespace: "tocsin", name: "viewer")), role: .viewer),
                .init(holder: .user("ana@shop.example"), role: .admin),
                .init(holder: .group("shop:sre"), role: .responder),
            ])
        #expect(
            tokens.authority
                == .init(
                    hosts: ["tocsin.example"], configMap: NamespacedName(namespace: "tocsin", name: "tocsin-ca")))
        #expect(try decoded("coordinator/minimal.yaml").tokens == nil)
    }

    @Test func everyKeyArrives() throws {
        let settings = try decoded("coordinator/full.yaml")
        #expect(settings.listen == HostPort(host: "10.0.0.1", port: 7000))
        #expect(settings.tls == TLSFiles(certificateFile: "/a", keyFile: "/b", trustRootsFile: "/c"))
        #expect(settings.dataDirectory == "/data")
        #expect(settings.httpListen == HostPort(host: "::1", port: 0))
        #expect(settings.thresholdsFile == "/etc/shared/thresholds.yaml")
        #expect(settings.step == .seconds(2))
        #expect(
            settings.retention
                == .init(
                    age: .seconds(36 * 3600), bytesMax: 500_000_000,
                    cells: .init(age: .seconds(7 * 86_400), bytesMax: 100_000_000)))
        #expect(
            settings.agents
                == .init(
                    suspectAfter: .seconds(3), silentAfter: .seconds(6), targetLease: .seconds(12),
                    incidentAfter: .seconds(20), blindShare: 0.5, blindAgentsMin: 2,
                    forgetAfter: .seconds(6 * 3600)))
        #expect(
            settings.incidents
                == .init(
                    reopenWithin: .zero, severityHysteresis: .seconds(10), openMax: 50,
                    correlateWithin: .seconds(120), consequencesOutlast: .zero,
                    flapping: .init(openings: 5, within: .seconds(1800), quiet: .seconds(60))))
        #expect(
            settings.limits
                == .init(
                    agentsMax: 20, seriesPerAgentMax: 1000, seriesPerAgentHourMax: 3000, frameBytesMax: 8 << 20,
                    ackWindow: 7, subjectsMax: 100, signalSeriesMax: 5000, connectionsMax: 90, newConnectionsMax: 12,
                    connectionsPerClientMax: 3, callsPerClientMax: 5, firstCallWithin: .seconds(4)))
    }

    @Test func theClusterToWatchIsOffByDefault() throws {
        #expect(try decoded("coordinator/minimal.yaml").kubernetes == nil)
        let short = try GoldenFiles.text("coordinator/minimal.yaml") + "\nkubernetes: {cluster: shop}\n"
        let source = ConfigurationSource(file: "coordinator.yaml", folder: "/etc/tocsin", text: short)
        let variables = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"]
        let defaults = try #require(try CoordinatorSettings.decode(source, environment: variables).value.kubernetes)
        #expect(defaults.access.apiServer == "https://10.96.0.1:443")
        #expect(defaults.access.tokenFile == "/var/run/secrets/kubernetes.io/serviceaccount/token")
        #expect(defaults.eventNamespaces == [] && defaults.rolloutNamespaces == [])
        #expect(defaults.eventsAPI == .core && defaults.timeout == .seconds(15))
        #expect(defaults.eventsPerHour == 10_000 && defaults.eventsRemembered == 10_000)
        #expect(defaults.deploymentsMax == 5000)
        let full = try #require(try decoded("coordinator/full.yaml").kubernetes)
        #expect(full.cluster == "shop" && full.access.apiServer == "https://10.0.0.1:6443")
        #expect(full.access.tokenFile == "/etc/tocsin/token")
        #expect(full.access.trust == .roots(file: "/ca.crt", serverName: "kubernetes"))
        #expect(full.eventNamespaces == ["shop", "default"] && full.eventsAPI == .events)
        #expect(full.eventsPerHour == 500 && full.eventsRemembered == 200)
        #expect(full.rolloutNamespaces == ["shop"] && full.deploymentsMax == 50 && full.timeout == .seconds(5))
    }

    @Test func aFileThatIsNotThereIsRefused() {
        let error = #expect(throws: ConfigurationError.self) {
            try CoordinatorSettings.load(path: "/nowhere/coordinator.yaml", environment: [:])
        }
        #expect(error?.description == "/nowhere/coordinator.yaml:1:1: there is no such file")
    }

    @Test func clusterTargetsAreCheckedHereAndKeptAsTheyStand() throws {
        let targets = try decoded("coordinator/full.yaml").targets
        #expect(targets.map(\.cluster) == ["shop"])
        let database = try #require(targets.first?.databases.first)
        #expect(database.value.name == "orders")
        #expect(database.value.password == .environment("ORDERS_PASSWORD"), "the agents' variable, not ours")
        #expect(database.value.timing.interval == .seconds(2), "the step, where the entry has none")
        // What goes to an agent decodes there to the same entry.
        let again = try ConfigurationFile.decodePart(
            database.text, name: "postgresql/orders", folder: "/etc/tocsin", environment: ["ORDERS_PASSWORD": "x"]
        ) { DatabaseSettings($0, interval: .seconds(2)) }
        #expect(again == database.value)
        let check = try #require(targets.first?.checks.first)
        let checkAgain = try ConfigurationFile.decodePart(
            check.text, name: "http/page", folder: "/etc/tocsin", environment: [:]
        ) { CheckSettings($0, interval: .seconds(2)) }
        #expect(checkAgain == check.value)
    }
}

import Detection
import Incidents
import Signals
import Telemetry
import Testing

/// Which incidents are taken for one, and why.
struct CorrelationTests {
    private let database = Subject(cluster: "alpha", kind: .postgresql, path: "postgresql/orders")
    private let services = (0..<5).map { Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/s\($0)") }

    /// Five services whose pods hold sessions on the database, one pod each, all on one node.
    private func shop() -> Desk {
        var desk = Desk()
        desk.graph.advance(to: Example.time(0))
        for (index, service) in services.enumerated() {
            desk.graph.see(pod: "s\(index)-x", of: service, address: "10.0.0.\(index)", node: "n1")
            desk.graph.see(client: "10.0.0.\(index)", of: database)
        }
        return desk
    }

    private func incident(_ desk: Desk, _ number: Int) throws -> Incident {
        try #require(desk.book.incidents[IncidentID(rawValue: number)])
    }

    @Test func aDatabaseFaultThatBreaksFiveServicesIsOneRootWithFiveWorkloads() throws {
        var desk = shop()
        desk.see(Example.finding(Example.query, at: 30, onset: 0, value: 400, subject: database))
        for (index, service) in services.enumerated() {
            desk.see(Example.finding(at: 120 + Int64(index), onset: 10, value: 0.2, subject: service))
        }
        let roots = desk.book.openIncidents.filter { $0.root == nil }
        #expect(roots.map(\.id.rawValue) == [1])
        let root = try incident(desk, 1)
        #expect(root.impact.consequences == 5)
        #expect(root.impact.workloads == services.map(\.path))
        #expect(try incident(desk, 2).rootReasons == ["pod s0-x (10.0.0.0) holds sessions on postgresql/orders"])
        // The root is as bad as what it breaks, and the ledger says so.
        #expect(root.severity == .p2)
        #expect(root.ledger.map(\.severity) == [.p4, .p2])
        #expect(root.ledger.last?.cause == "its consequence INC-2 is P2")
        #expect(root.timeline.last?.text.hasPrefix("5 consequences, the worst INC-2 at P2; in trouble: shop/") == true)
        #expect(desk.book.consequences[root.id]?.map(\.id.rawValue) == [2, 3, 4, 5, 6])
    }

    @Test func aCauseThatIsFoundLastBecomesTheRootAndTakesItsConsequencesAlong() throws {
        var desk = shop()
        for (index, service) in services.enumerated() {
            desk.see(Example.finding(at: 20 + Int64(index), onset: 10, value: 0.2, subject: service))
        }
        // Before the database is known to be in trouble, what shares it goes under the first.
        #expect(desk.book.openIncidents.filter { $0.root == nil }.map(\.id.rawValue) == [1])
        #expect(
            try incident(desk, 2).rootReasons
                == ["it shares postgresql/orders with shop/Deployment/s0, in trouble within 0s"])
        desk.see(Example.finding(Example.query, at: 60, onset: 5, value: 400, subject: database))
        #expect(desk.book.openIncidents.filter { $0.root == nil }.map(\.id.rawValue) == [6])
        #expect(try incident(desk, 6).impact.workloads == services.map(\.path))
        #expect(try incident(desk, 1).impact.consequences == 0)
        #expect(
            try incident(desk, 2).timeline.last?.text.hasPrefix("Moved from INC-1 to INC-6: it had joined INC-1, and ")
                == true)
    }

    @Test func withoutEvidenceNothingJoins() {
        var desk = Desk()
        desk.see(Example.finding(Example.query, at: 30, onset: 0, value: 400, subject: database))
        desk.see(Example.finding(at: 31, onset: 0, subject: services[0]))
        var other = services[1]
        other.cluster = "beta"
        desk.see(Example.finding(at: 32, onset: 0, subject: other))
        #expect(desk.book.openIncidents.allSatisfy { $0.root == nil })
    }

    @Test(arguments: [(299, true), (301, false)])
    func aMinorCauseExplainsOnlyWhatBeginsWithinTheWindow(after: Int64, joins: Bool) throws {
        var desk = shop()
        desk.see(Example.finding(Example.query, at: 0, onset: 0, value: 400, subject: database))
        desk.see(Example.finding(at: after + 60, onset: after, value: 0.2, subject: services[0]))
        #expect((try incident(desk, 2).root != nil) == joins)
    }

    @Test func aSevereCauseExplainsLateConsequencesToo() throws {
        var desk = shop()
        let down = Example.check("not-ready", group: "down", signal: .databaseUp, direction: .below, enter: 0.5)
        desk.see(Example.finding(down, at: 0, onset: 0, value: 0, subject: database))
        #expect(try incident(desk, 1).severity == .p1)
        desk.see(Example.finding(at: 4000, onset: 3900, value: 0.2, subject: services[0]))
        #expect(try incident(desk, 2).root == IncidentID(rawValue: 1))
    }

    @Test func anAcknowledgedMinorIncidentNeverSwallowsTonightsLockStorm() throws {
        var desk = shop()
        let bloat = Example.check("bloat", group: "maintenance", signal: .diskUsedRatio, enter: 0.5)
        desk.see(Example.finding(bloat, at: 0, onset: 0, value: 0.6, subject: database))
        try desk.run(.acknowledge(IncidentID(rawValue: 1), by: "anna"), at: 10)
        desk.see(Example.finding(Example.query, at: 40_000, onset: 39_700, value: 400, subject: database))
        let storm = try incident(desk, 2)
        #expect(storm.root == nil && storm.acknowledgedBy == nil)
    }

    @Test func ofOneSubjectTheWorseIsTheRoot() throws {
        var desk = Desk()
        desk.see(Example.finding(Example.query, at: 0, onset: 0, value: 400, subject: database))
        let down = Example.check("not-ready", group: "down", signal: .databaseUp, direction: .below, enter: 0.5)
        desk.see(Example.finding(down, at: 60, onset: 30, value: 0, subject: database))
        #expect(try incident(desk, 2).root == nil && incident(desk, 2).severity == .p1)
        #expect(try incident(desk, 1).root == IncidentID(rawValue: 2) && incident(desk, 1).severity == .p4)
        #expect(try incident(desk, 1).rootReasons == ["down of the same subject began within 30s"])
    }

    @Test func aNodesTroubleTakesOnlyTheWorkloadsWhosePodsAreHit() throws {
        var desk = Desk()
        let node = Subject(cluster: "alpha", kind: .node, path: "node/n1")
        desk.graph.see(pod: "a-1", of: services[0], address: "10.0.0.1", node: "n1")
        desk.graph.see(pod: "a-2", of: services[0], address: "10.0.0.2", node: "n2")
        desk.graph.see(pod: "b-1", of: services[1], address: "10.0.0.3", node: "n2")
        let memory = Example.check("node-memory", group: "node-memory", signal: .nodeMemoryUsedRatio, enter: 0.9)
        desk.see(Example.finding(memory, at: 5, onset: 0, value: 0.95, subject: node))
        let hit = { (pod: String) in [Contribution(contributor: pod, value: 1, volume: 1)] }
        desk.see(Example.finding(at: 10, onset: 4, subject: services[0], contributors: hit("a-2")))
        desk.see(Example.finding(at: 11, onset: 4, subject: services[1], contributors: hit("b-1")))
        #expect(try incident(desk, 2).root == nil && incident(desk, 3).root == nil)
        desk.see(Example.finding(Example.ready, at: 12, onset: 5, subject: services[0], contributors: hit("a-1/app")))
        #expect(try incident(desk, 4).rootReasons == ["pod a-1 runs on node/n1"])
    }

    @Test func manySilentAgentsAreOneBlindIncident() throws {
        var desk = Desk()
        let silent = Example.check("agent-silent", group: "agent", signal: .probeUp, direction: .below, enter: 0.5)
        let blind = Example.check("agents-blind", group: "agents", signal: .probeUp, direction: .below, enter: 0.5)
        let agents = (0..<4).map { Subject(cluster: "alpha", kind: .agent, path: "agent/n\($0)") }
        for agent in agents { desk.see(Example.finding(silent, at: 120, onset: 0, value: 0, subject: agent)) }
        let all = Subject(cluster: "alpha", kind: .agent, path: "agent/*")
        desk.see(Example.finding(blind, at: 121, onset: 0, value: 0, subject: all))
        let roots = desk.book.openIncidents.filter { $0.root == nil }
        #expect(roots.map(\.subject) == [all])
        #expect(roots.first?.impact.consequences == 4)
        #expect(try incident(desk, 1).rootReasons == ["many agents of alpha fell silent together"])
    }

    @Test func workloadsRolledOutTogetherAreTakenTogether() throws {
        var desk = Desk()
        desk.graph.advance(to: Example.time(0))
        for service in services[..<3] { desk.graph.see(pod: "p", of: service, node: "n1", revision: "old") }
        desk.graph.advance(to: Example.time(100))
        desk.graph.see(pod: "p1", of: services[0], node: "n1", revision: "new")
        desk.graph.advance(to: Example.time(160))
        desk.graph.see(pod: "p1", of: services[1], node: "n1", revision: "new")
        desk.see(Example.finding(at: 210, onset: 200, subject: services[0]))
        desk.see(Example.finding(at: 220, onset: 205, subject: services[1]))
        desk.see(Example.finding(at: 230, onset: 205, subject: services[2]))
        #expect(
            try incident(desk, 2).rootReasons
                == ["it was rolled out within 1m of shop/Deployment/s0, 45s before"])
        #expect(try incident(desk, 3).root == nil)
    }

    @Test func theClustersOwnRecordSaysWhatWasRolledOutAndWhen() throws {
        var desk = Desk()
        desk.graph.advance(to: Example.time(160))
        desk.graph.rollout(of: services[0], at: 100, revision: 3, images: "web=shop:1.4", before: "web=shop:1.3")
        desk.graph.rollout(of: services[1], at: 130, revision: 8, images: "web=shop:1.4", before: "web=shop:1.3")
        // A first revision replaces nothing.
        desk.graph.rollout(of: services[2], at: 130, revision: 1, images: "web=shop:1.4", before: nil)
        // Pods of both revisions, seen later, are no rollout of their own.
        for hash in ["h7", "h8"] { desk.graph.see(pod: hash, of: services[1], node: "n1", revision: hash) }
        desk.see(Example.finding(at: 210, onset: 200, subject: services[0]))
        desk.see(Example.finding(at: 220, onset: 205, subject: services[1]))
        desk.see(Example.finding(at: 230, onset: 205, subject: services[2]))
        #expect(
            try incident(desk, 2).rootReasons == [
                "it was rolled out (revision 8 with web=shop:1.4) within 30s of shop/Deployment/s0, 1m15s before"
            ])
        #expect(try incident(desk, 3).root == nil)
    }

    @Test func aRolloutIsAsOldAsItsRecordSaysAndNotAsItsFirstPod() {
        var graph = DependencyGraph()
        graph.advance(to: Example.time(0))
        graph.see(pod: "a", of: services[0], node: "n1", revision: "h7")
        graph.advance(to: Example.time(50))
        graph.see(pod: "b", of: services[0], node: "n1", revision: "h8")
        #expect(graph.rolloutStart(of: services[0]) == Example.time(50) && graph.rolloutText(of: services[0]) == nil)
        graph.rollout(of: services[0], at: 40, revision: 8, images: "a=b", before: "a=b")
        #expect(graph.rolloutStart(of: services[0]) == Example.time(40))
        #expect(graph.rolloutText(of: services[0]) == "revision 8", "the images are the same")
        // An older record that comes late, as from a restart's replay, changes nothing.
        graph.rollout(of: services[0], at: 10, revision: 7, images: "a=a", before: "a=0")
        #expect(graph.rolloutStart(of: services[0]) == Example.time(40))
        // A revision whose record does not come is told by its pods.
        graph.advance(to: Example.time(90))
        graph.see(pod: "c", of: services[0], node: "n1", revision: "h9")
        #expect(graph.rolloutStart(of: services[0]) == Example.time(90) && graph.rolloutText(of: services[0]) == nil)
        // Nobody reports pods of this one: it is forgotten in its time.
        graph.rollout(of: services[1], at: 90, revision: 2, images: "a=b", before: "a=a")
        graph.advance(to: Example.time(90 + 3700))
        #expect(graph.rolloutStart(of: services[1]) == nil)
    }

    @Test func whatOutlastsItsRootStandsForItself() throws {
        var desk = shop()
        desk.see(Example.finding(Example.query, at: 0, onset: 0, value: 400, subject: database))
        desk.see(Example.finding(at: 60, onset: 10, value: 0.2, subject: services[0]))
        desk.see(Example.finding(Example.query, .closed, at: 100, onset: 0, value: 0, subject: database))
        #expect(desk.settle(at: 699).isEmpty)
        #expect(try incident(desk, 2).root == IncidentID(rawValue: 1))
        #expect(desk.settle(at: 700).map(\.kind.name) == ["parted"])
        #expect(try incident(desk, 2).root == nil)
        #expect(
            try incident(desk, 2).timeline.last?.text
                == "Left INC-1: INC-1 has been resolved for 10m, and this is still open.")
    }

    @Test func theRootGetsMilderWhenItsConsequencesAreOver() throws {
        var desk = shop()
        desk.see(Example.finding(Example.query, at: 0, onset: 0, value: 400, subject: database))
        desk.see(Example.finding(at: 60, onset: 10, value: 0.2, subject: services[0]))
        #expect(try incident(desk, 1).severity == .p2)
        desk.see(Example.finding(Example.errorRatio, .closed, at: 200, onset: 10, subject: services[0]))
        #expect(try incident(desk, 1).severity == .p2)
        #expect(try incident(desk, 1).impact == Incident.Impact())
        desk.see(Example.finding(Example.query, .ongoing, at: 500, onset: 0, value: 400, subject: database))
        #expect(try incident(desk, 1).severity == .p4)
        #expect(desk.folded() == desk.book)
    }

    @Test func aRootTakesOnlySoMany() throws {
        var configuration = IncidentBook.Configuration()
        configuration.consequencesMax = 2
        var desk = Desk(configuration: configuration)
        desk.graph = shop().graph
        desk.see(Example.finding(Example.query, at: 0, onset: 0, value: 400, subject: database))
        for service in services { desk.see(Example.finding(at: 60, onset: 10, subject: service)) }
        #expect(try incident(desk, 1).impact.consequences == 2)
    }
}

extension DependencyGraph {
    mutating func see(
        pod: String, of workload: Subject, address: String? = nil, node: String, revision: String? = nil
    ) {
        let parts = workload.path.split(separator: "/", maxSplits: 1).map(String.init)
        var labels: LabelSet = ["namespace": parts[0], "workload": parts[1], "pod": pod, "node": node]
        labels[LabelName.podAddress] = address
        labels[LabelName.revision] = revision
        take([Sample(Series("kube_pod_info", labels), Example.time(0), 1)], cluster: workload.cluster)
    }

    /// The edge of a rollout; the hash of revision 8 is `h8`.
    mutating func rollout(of workload: Subject, at seconds: Int64, revision: Int, images: String, before: String?) {
        let parts = workload.path.split(separator: "/", maxSplits: 1).map(String.init)
        var attributes: LabelSet = ["revision": String(revision), "hash": "h\(revision)", "images": images]
        if let before {
            attributes["previousRevision"] = String(revision - 1)
            attributes["previousHash"] = "h\(revision - 1)"
            attributes["previousImages"] = before
        }
        let labels: LabelSet = ["namespace": parts[0], "workload": parts[1]]
        take(
            [Edge(.rolloutStarted, at: Example.time(seconds), labels: labels, attributes: attributes)],
            cluster: workload.cluster)
    }

    mutating func see(client: String, of database: Subject, sessions: Double = 1) {
        let instance = database.path.split(separator: "/").last.map(String.init) ?? ""
        let series = Series("pg_client_sessions", ["instance": instance, "client": client])
        take([Sample(series, Example.time(0), sessions)], cluster: database.cluster)
    }
}

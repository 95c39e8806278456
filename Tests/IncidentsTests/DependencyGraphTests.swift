import Incidents
import Telemetry
import Testing

struct DependencyGraphTests {
    private let cart = Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/cart")
    private let pay = Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/pay")
    private let database = Subject(cluster: "alpha", kind: .postgresql, path: "postgresql/orders")
    private let node = Subject(cluster: "alpha", kind: .node, path: "node/n1")

    @Test func clientAddressesLeadToWorkloads() {
        var graph = DependencyGraph()
        graph.see(client: "10.0.0.1", of: database)
        #expect(graph.dependents(of: database).isEmpty)
        graph.see(pod: "cart-1", of: cart, address: "10.0.0.1", node: "n1")
        graph.see(client: "10.0.0.1", of: database)
        graph.see(client: "192.168.0.1", of: database)
        graph.see(client: "local", of: database)
        #expect(graph.dependents(of: database) == [cart])
        #expect(graph.dependents(of: node) == [cart])
        #expect(
            graph.databases(of: cart).map(\.reason) == ["pod cart-1 (10.0.0.1) holds sessions on postgresql/orders"])
        #expect(graph.evidence(that: database, standsOn: cart) == nil)
        #expect(graph.evidence(that: cart, standsOn: node) == nil)
        #expect(graph.evidence(that: cart, standsOn: node, parts: ["cart-1"]) == "pod cart-1 runs on node/n1")
    }

    @Test func addressesOfOtherClustersAreOthers() {
        var graph = DependencyGraph()
        var far = cart
        far.cluster = "beta"
        graph.see(pod: "cart-1", of: far, address: "10.0.0.1", node: "n1")
        graph.see(client: "10.0.0.1", of: database)
        #expect(graph.dependents(of: database).isEmpty)
    }

    @Test func anAddressOfTwoWorkloadsSaysNothingUntilOneIsGone() {
        var graph = DependencyGraph()
        let second = { (graph: inout DependencyGraph, at: Int64) in graph.advance(to: Example.time(at)) }
        for at in stride(from: Int64(0), through: 50, by: 10) {
            second(&graph, at)
            graph.see(pod: "cart-1", of: cart, address: "10.0.0.1", node: "n1")
            graph.see(pod: "pay-1", of: pay, address: "10.0.0.1", node: "n2")
            graph.see(client: "10.0.0.1", of: database)
        }
        #expect(graph.dependents(of: database).isEmpty)
        for at in stride(from: Int64(60), through: 120, by: 10) {
            second(&graph, at)
            graph.see(pod: "pay-1", of: pay, address: "10.0.0.1", node: "n2")
            graph.see(client: "10.0.0.1", of: database)
        }
        #expect(graph.dependents(of: database) == [pay])
    }

    @Test func aDatabaseThatIsDownKeepsItsClientsForAnHour() {
        var graph = DependencyGraph()
        graph.advance(to: Example.time(0))
        graph.see(pod: "cart-1", of: cart, address: "10.0.0.1", node: "n1")
        graph.see(client: "10.0.0.1", of: database)
        graph.advance(to: Example.time(3600))
        #expect(graph.dependents(of: database) == [cart])
        graph.advance(to: Example.time(3661))
        #expect(graph.dependents(of: database).isEmpty && graph.dependents(of: node).isEmpty)
    }

    @Test func limitsHoldAndAreCounted() {
        var configuration = DependencyGraph.Configuration()
        configuration.podsMax = 1
        configuration.linksMax = 1
        var graph = DependencyGraph(configuration: configuration)
        graph.see(pod: "cart-1", of: cart, address: "10.0.0.1", node: "n1")
        graph.see(pod: "pay-1", of: pay, address: "10.0.0.2", node: "n1")
        #expect(graph.dependents(of: node) == [cart])
        #expect(graph.refused == 1)
        let other = Subject(cluster: "alpha", kind: .postgresql, path: "postgresql/other")
        graph.see(client: "10.0.0.1", of: database)
        graph.see(client: "10.0.0.1", of: other)
        #expect(graph.databases(of: cart).map(\.subject) == [database])
        #expect(graph.refused == 2)
    }

    @Test func endedSeriesAndSessionsOfNoneTeachNothing() {
        var graph = DependencyGraph()
        graph.see(pod: "cart-1", of: cart, address: "10.0.0.1", node: "n1")
        graph.see(client: "10.0.0.1", of: database, sessions: 0)
        graph.see(client: "10.0.0.1", of: database, sessions: .nan)
        #expect(graph.dependents(of: database).isEmpty)
    }
}

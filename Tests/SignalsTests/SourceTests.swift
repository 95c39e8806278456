import Telemetry
import Testing

@testable import Signals

struct SourceTests {
    private let cart = Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/cart")

    @Test func sourcesAreSeriesThatSignalsRead() {
        let named = Signal.allCases.filter { $0.name.sourceMetric != nil }
        #expect(named.count >= 24)
        for signal in named {
            let role = signal.name.sourceMetric.flatMap { SeriesRole.candidate(metric: $0) }
            #expect(role?.contributorKind.signals.contains(signal.rawValue) == true, "\(signal)")
        }
    }

    @Test func selectorsNameSubjectAndContributor() {
        #expect(
            SignalName.readyRatio.selector(of: cart)
                == #"kube_pod_ready{namespace="shop",workload="Deployment/cart"}"#)
        #expect(
            SignalName.oomKills.selector(of: cart, contributor: "cart-1/app")
                == "kube_pod_container_oom_kills_total"
                + #"{namespace="shop",workload="Deployment/cart",pod="cart-1",container="app"}"#)
        #expect(
            SignalName.probeUp.selector(of: cart, contributor: "http/cart")
                == #"probe_up{namespace="shop",workload="Deployment/cart",target="http/cart"}"#)
        let database = Subject(cluster: "alpha", kind: .postgresql, path: #"postgresql/o"x"#)
        #expect(SignalName.databaseUp.selector(of: database, contributor: "o") == #"pg_up{instance="o\"x"}"#)
        #expect(SignalName(rawValue: "heartbeat").selector(of: cart) == nil)
    }
}

import Incidents
import Runbook
import Testing

@Suite struct MessageLinterTests {
    private let linter = MessageLinter(
        innerNames: ["shop/Deployment/cart-api", "cart-api", "orders-db", "INC-7"], isCauseProven: false)

    @Test(arguments: [
        "We are currently experiencing issues with checkout. We apologize for any inconvenience.",
        "Orders placed between 10:05:30 and 11:00 may be delayed; version 2.4.1 is not affected.",
        "Our status page is https://status.acme.com/incidents, our shopping cart works again.",
        "About 12.5 % of payments fail. Well-known workarounds help: re-try once.",
    ])
    func textForCustomersPasses(text: String) {
        #expect(linter.problems(in: text).isEmpty, "\(linter.problems(in: text))")
    }

    @Test(arguments: [
        ("The host db1.prod.internal is slow.", "db1.prod.internal", "is the name of an inner host"),
        ("See http://grafana.svc.cluster.local:3000/d", "http://grafana.svc.cluster.local:3000/d", "inner host"),
        ("It runs on localhost.", "localhost", "inner host"),
        ("10.1.2.3 does not answer.", "10.1.2.3", "network address"),
        ("Connect to 10.1.2.3:5432", "10.1.2.3:5432", "network address"),
        ("fe80::1ff:fe23:4567:890a is down", "fe80::1ff:fe23:4567:890a", "network address"),
        ("Mail ops@acme.com", "ops@acme.com", "mail address"),
        ("Use password=hunter2 for now", "pass…", "secret"),
        ("The key ghp_0123456789abcdef leaked", "ghp_…", "secret"),
        ("Session 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "9f86…", "secret"),
        ("The cart-api is down.", "cart-api", "ours"),
        ("Affected: shop/Deployment/cart-api", "shop/Deployment/cart-api", "ours"),
        ("Follow INC-7 for more.", "INC-7", "ours"),
        ("Pod web-6d4cf56db6-x7k2p restarted", "web-6d4cf56db6-x7k2p", "pod or a node"),
        ("It is down because of a bad release.", "because", "tells a cause"),
        ("An outage due to our provider.", "due to", "tells a cause"),
    ])
    func whatMustNotLeaveIsFound(text: String, words: String, reason: String) throws {
        let problem = try #require(linter.problems(in: text).first)
        #expect(problem.words == words)
        #expect(problem.reason.contains(reason), "\(problem.reason)")
    }

    @Test func aCauseOnRecordMayBeTold() {
        let proven = MessageLinter(innerNames: [], isCauseProven: true)
        #expect(proven.problems(in: "It was down due to a certificate that had expired.").isEmpty)
    }

    @Test func aSecretIsNotRepeated() {
        let problems = linter.problems(in: "token=0123456789abcdef0123456789abcdef")
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { !$0.words.contains("0123") })
    }
}

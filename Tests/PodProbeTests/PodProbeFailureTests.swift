import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

@Suite struct PodProbeFailureTests {
    @Test(arguments: [
        (KubeletReplay.Fault.unauthorized, FailureClass.auth, "401 Unauthorized"),
        (.forbidden, .auth, "resource=nodes, subresource(s)=[pods proxy]"),
        (
            .status(500, "Authorization error (user=x, verb=get, resource=nodes, subresource=pods)"), .status,
            "500 Authorization error"
        ),
        (.status(504, "timeout"), .status, "504"), (.status(302, ""), .status, "302"), (.cut, .body, "GET /pods"),
        (.body(Array("<html>".utf8)), .body, "6 bytes"), (.body(Array(#"{"kind":"PodList"}"#.utf8)), .body, "18 bytes"),
        (.body([]), .body, "0 bytes"), (.nullItems, .unavailable, "no pods"),
        (.staticPodsOnly, .unavailable, "static pods alone"),
    ])
    func `a failure has its class and changes nothing`(
        fault: KubeletReplay.Fault, failureClass: FailureClass, text: String
    ) async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            let before = await probe.run(startedAt: Captures.first)
            #expect(before.outcome == .success)
            kubelet.replay.fail(fault, path: "/pods")
            for look in 1...3 {
                let report = await probe.run(startedAt: Captures.first + .seconds(look * 10))
                #expect(report.outcome.failureClass == failureClass)
                #expect("\(report.outcome)".contains(text), "\(report.outcome)")
                #expect(!"\(report.outcome)".contains(TestKubelet.token))
                #expect(report.samples.isEmpty && report.edges.isEmpty)
            }
            kubelet.replay.fail(nil)
            try kubelet.replay.edit { try $0.oomKill(pod: "guaranteed", container: "x") }
            let after = await probe.run(startedAt: Captures.second)
            #expect(after.outcome == .success)
            #expect(
                after.edges(of: "guaranteed", .containerOOMKilled).count == 1, "what happened meanwhile is not lost")
            #expect(after.edges.allSatisfy { $0.labels[LabelName.pod] == "guaranteed" }, "no pod was taken for gone")
            #expect(Set(after.samples.map(\.series)) == Set(before.samples.map(\.series)))
        }
    }

    @Test func `without usage the pods are still told`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            kubelet.replay.fail(.forbidden, path: "/stats/summary")
            let report = await kubelet.probe().run(startedAt: Captures.first)
            #expect(report.outcome.failureClass == .auth)
            #expect("\(report.outcome)".contains("GET /stats/summary: 403"))
            #expect(report.value("kube_pod_ready", pod: "ledger-0") == 1)
            #expect(report.value("container_memory_working_set_bytes", pod: "ledger-0") == nil)
        }
    }

    @Test func `a kubelet that answers nothing is silent, one path that hangs times out`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe { $0.deadline = .seconds(3) }
            kubelet.replay.fail(.hang, path: "/pods")
            let clock = ContinuousClock()
            let start = clock.now
            let one = await probe.run(startedAt: Captures.first)
            #expect(one.outcome.failureClass == .timeout)
            kubelet.replay.fail(.hang)
            #expect(await probe.run(startedAt: Captures.first).outcome.failureClass == .silent)
            #expect(clock.now - start < .seconds(15))
        }
    }

    @Test func `a closed port is refused`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            try await kubelet.replay.stop()
            #expect(await probe.run(startedAt: Captures.first).outcome.failureClass == .refused)
            let again = try await kubelet.replay.start(port: kubelet.port)
            #expect(again == kubelet.port)
            #expect(await probe.run(startedAt: Captures.first).outcome == .success)
        }
    }

    @Test func `the certificate must name the node and be signed by the CA`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let otherCA = kubelet.probe {
                $0.trust = .clusterCA(file: kubelet.tls.otherCertificate, serverName: "lab-node-1")
            }
            #expect(await otherCA.run(startedAt: Captures.first).outcome.failureClass == .tls)
            let otherName = kubelet.probe {
                $0.trust = .clusterCA(file: kubelet.tls.certificate, serverName: "lab-node-2")
            }
            #expect(await otherName.run(startedAt: Captures.first).outcome.failureClass == .tls)
            let byAddress = kubelet.probe { $0.trust = .clusterCA(file: kubelet.tls.certificate, serverName: nil) }
            #expect(await byAddress.run(startedAt: Captures.first).outcome.failureClass == .tls)
            #expect(kubelet.replay.requests.isEmpty, "nothing was sent to an unverified peer")
        }
    }

    @Test func `a pinned key is trusted, another one is not`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let pinned = kubelet.probe { $0.trust = .pin(sha256: kubelet.tls.pin) }
            #expect(await pinned.run(startedAt: Captures.first).outcome == .success)
            let sent = kubelet.replay.requests.count
            let wrong = kubelet.probe { $0.trust = .pin(sha256: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") }
            #expect(await wrong.run(startedAt: Captures.first).outcome.failureClass == .tls)
            #expect(kubelet.replay.requests.count == sent)
        }
    }

    @Test func `no token goes to an unverified peer, and the refusal says so`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let report = await kubelet.probe { $0.trust = .insecure }.run(startedAt: Captures.first)
            #expect(report.outcome.failureClass == .auth)
            #expect("\(report.outcome)".contains("no token was sent"))
            #expect(kubelet.replay.requests.count == 2)
            #expect(kubelet.replay.requests.allSatisfy { $0.authorization == nil })
        }
    }

    @Test func `a token that rotates is read again`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            #expect(await probe.run(startedAt: Captures.first).outcome == .success)
            kubelet.replay.accept(tokens: ["rotated"])
            #expect(await probe.run(startedAt: Captures.first).outcome.failureClass == .auth)
            try "rotated".write(toFile: kubelet.tokenFile, atomically: true, encoding: .utf8)
            #expect(await probe.run(startedAt: Captures.first).outcome == .success)
        }
    }

    @Test(arguments: ["", "  \n", "to\u{7}ken", "tökén", String(repeating: "x", count: 20_000)])
    func `a token file without a token is our own fault`(content: String) async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            try content.write(toFile: kubelet.tokenFile, atomically: true, encoding: .utf8)
            let report = await kubelet.probe().run(startedAt: Captures.first)
            #expect(report.outcome.failureClass == .internal)
            #expect(kubelet.replay.requests.isEmpty)
            let absent = kubelet.probe { $0.tokenFile = "/nonexistent/token" }
            #expect(await absent.run(startedAt: Captures.first).outcome.failureClass == .internal)
        }
    }

    @Test func `three megabytes of pods are read, and bounds hold`() async throws {
        var state = try Captures.state(1)
        for number in 0..<600 {
            try state.addPod(copyOf: "guaranteed", name: "copy-\(number)", uid: "uid-\(number)")
        }
        let size = state.podList.bytes.count
        #expect(size > 3_000_000)
        try await TestKubelet.with(state) { kubelet in
            let all = kubelet.probe { $0.podsMax = 1000 }
            let report = await all.run(startedAt: Captures.first)
            #expect(report.outcome == .success)
            #expect(report.value("container_memory_working_set_bytes", pod: "copy-599", container: "x") != nil)
            #expect(await all.counters == PodProbe.Counters())

            let bounded = kubelet.probe { $0.podsMax = 100 }
            let looks = [await bounded.run(startedAt: Captures.first), await bounded.run(startedAt: Captures.second)]
            #expect(looks.allSatisfy { $0.outcome == .success && $0.edges.isEmpty })
            #expect(Set(looks[1].samples.compactMap { $0.series.labels[LabelName.pod] }).count == 100)
            #expect(Set(looks[0].samples.map(\.series)) == Set(looks[1].samples.map(\.series)))
            #expect(await bounded.counters.podsLeftOut == 2 * (644 - 100))

            let small = kubelet.probe { $0.bodyBytesMax = 1_000_000 }
            #expect(await small.run(startedAt: Captures.first).outcome.failureClass == .body)
        }
    }

    @Test func `what cannot be read is left out and never taken for gone`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Captures.first)
            try kubelet.replay.edit { state in
                try state.editPod("ledger-0") { $0["metadata"]?["uid"] = .int(7) }
                try state.editPod("guaranteed") { $0["status"]?["containerStatuses"] = .string("?") }
                try state.editPod("besteffort") { $0["metadata"]?["labels"] = .array([.bool(true)]) }
                try state.editPod("throttled") { $0["spec"]?["containers"] = .null }
            }
            for look in 1...3 {
                let report = await probe.run(startedAt: Captures.first + .seconds(look * 10))
                #expect(report.outcome == .success)
                #expect(report.edges.isEmpty)
                #expect(report.value("kube_pod_ready", pod: "ledger-0") == nil)
                #expect(report.value("kube_pod_ready", pod: "besteffort") == 1)
            }
            #expect(await probe.counters.podsUnreadable == 3)
        }
    }
}

import CurlHTTP
import Incidents
import Notification
import Probing
import Runbook
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

/// Channels that post JSON, against a real server that takes, fails, hangs, asks for a pause, or is not there.
@Suite struct HTTPChannelTests {
    private func withClient<Value>(_ body: (CurlHTTPClient) async throws -> Value) async throws -> Value {
        let client = CurlHTTPClient()
        let result: Result<Value, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutdown()
        return try result.get()
    }

    @Test func aWebhookGetsTheNoticeWithItsKey() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(204)) }
        defer { server.stop() }
        let outcome = try await withClient { client in
            await WebhookChannel(
                url: Sample.secret(server.url + "/hook?token=x"), token: Sample.secret("s3cret"), http: client
            ).deliver(Sample.send([Sample.notice()]))
        }
        #expect(outcome == .delivered)
        let request = try #require(server.requests.first)
        #expect(request.method == "POST")
        #expect(request.path == "/hook?token=x")
        #expect(request.headers["idempotency-key"] == "INC-7/1/1/0")
        #expect(request.headers["authorization"] == "Bearer s3cret")
        #expect(request.headers["content-type"] == "application/json")
        let object = try Sample.object(request.body)
        #expect(object["key"] as? String == "INC-7/1/1/0")
        let item = try #require((object["notices"] as? [[String: Any]])?.first)
        #expect(item["severity"] as? String == "P1")
        #expect(item["incident"] as? String == "INC-7")
        #expect(item["openedAt"] as? String == "2025-11-28T01:20:00.000Z")
        #expect(item["roles"] as? [String] == ["On-call Engineer"])
    }

    @Test(
        arguments: [
            (500, nil, true, nil), (503, "7", true, Duration.seconds(7)), (429, "30", true, .seconds(30)),
            (429, "Wed, 21 Oct 2026 07:28:00 GMT", true, nil), (408, nil, true, nil), (400, nil, false, nil),
            (404, nil, false, nil), (302, nil, false, nil), (410, nil, false, nil),
        ] as [(Int, String?, Bool, Duration?)])
    func whatAnAnswerMeans(status: Int, retryAfter: String?, isTemporary: Bool, pause: Duration?) async throws {
        let server = try CannedHTTPServer { _ in
            .bytes(CannedHTTPServer.answer(status, headers: retryAfter.map { ["Retry-After: \($0)"] } ?? []))
        }
        defer { server.stop() }
        let outcome = try await withClient { client in
            await WebhookChannel(url: Sample.secret(server.url), http: client).deliver(
                Sample.send([Sample.notice()]))
        }
        #expect(
            outcome
                == (isTemporary
                    ? .failed(reason: "HTTP \(status)", after: pause) : .rejected(reason: "HTTP \(status)")))
        #expect(server.requests.count == 1, "the outbox repeats, not the channel")
    }

    @Test func aReceiverThatHangsOrIsNotThereIsTriedAgainLater() async throws {
        let hanging = try CannedHTTPServer { _ in .silence }
        defer { hanging.stop() }
        let nobody = "http://127.0.0.1:\(try FreePort.next())/"
        let outcomes = try await withClient { client in
            var outcomes: [OutboxMachine.Outcome] = []
            for url in [hanging.url, nobody] {
                let channel = WebhookChannel(url: Sample.secret(url), http: client, timeout: .milliseconds(400))
                outcomes.append(await channel.deliver(Sample.send([Sample.notice()])))
            }
            return outcomes
        }
        for outcome in outcomes {
            guard case .failed(let reason, nil) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(!reason.isEmpty)
        }
    }

    @Test func anAddressThatIsNotToBeHadIsNamedWithoutIt() async throws {
        let outcome = try await withClient { client in
            let problem: Secret = { () throws(SecretProblem) -> String in
                throw SecretProblem("the file '/run/hook' cannot be read")
            }
            return await WebhookChannel(url: problem, http: client).deliver(Sample.send([Sample.notice()]))
        }
        #expect(outcome == .failed(reason: "the file '/run/hook' cannot be read", after: nil))
    }

    @Test func reasonsHoldNoTokenOfTheURL() async throws {
        let url = "http://127.0.0.1:\(try FreePort.next())/services?token=s3cret"
        let outcome = try await withClient { client in
            await SlackChannel(url: Sample.secret(url), http: client).deliver(Sample.send([Sample.notice()]))
        }
        guard case .failed(let reason, _) = outcome else { throw ChildProcess.Failure(description: "\(outcome)") }
        #expect(!reason.contains("s3cret"))
    }

    @Test func slackGetsTextWithItsThreeCharactersEscaped() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200, type: "text/plain", "ok")) }
        defer { server.stop() }
        let outcome = try await withClient { client in
            await SlackChannel(url: Sample.secret(server.url), http: client).deliver(Sample.send([Sample.notice()]))
        }
        #expect(outcome == .delivered)
        let text = try Sample.object(try #require(server.requests.first).body)["text"] as? String
        #expect(
            text
                == "*[P1] INC-7 High error rate*\nP1 High error rate &lt;&amp;&gt;\nPaged On-call Engineer: opened at P1."
        )
    }

    @Test func aDigestIsOneMessageThatNamesAll() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer()) }
        defer { server.stop() }
        let notices = [Sample.notice("a", severity: .p3), Sample.notice("b", .resolved, severity: .p3)]
        _ = try await withClient { client in
            await WebhookChannel(url: Sample.secret(server.url), http: client)
                .deliver(Sample.send(notices, key: "digest/a"))
        }
        #expect(server.requests.count == 1)
        let object = try Sample.object(try #require(server.requests.first).body)
        #expect(object["key"] as? String == "digest/a")
        #expect(object["digest"] as? Bool == true)
        #expect((object["notices"] as? [[String: Any]])?.compactMap { $0["key"] as? String } == ["a", "b"])
    }

    @Test func pagerDutyOpensAndResolvesOneAlertAnEpisode() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(202)) }
        defer { server.stop() }
        let notices = [
            Sample.notice(), Sample.notice("INC-7/1/1/1"), Sample.notice("INC-7/1/resolved", .resolved),
            Sample.notice("m/1", .message),
        ]
        let outcome = try await withClient { client in
            await PagerDutyChannel(url: server.url, routingKey: Sample.secret("R0UT"), http: client)
                .deliver(Sample.send(notices))
        }
        #expect(outcome == .delivered)
        let events = try server.requests.map { try Sample.object($0.body) }
        #expect(events.map { $0["event_action"] as? String } == ["trigger", "trigger", "resolve"])
        #expect(events.allSatisfy { $0["dedup_key"] as? String == "INC-7/1" && $0["routing_key"] as? String == "R0UT" })
        let payload = try #require(events[0]["payload"] as? [String: Any])
        #expect(payload["severity"] as? String == "critical")
        #expect(payload["source"] as? String == "shop/Deployment/cart")
        #expect(events[2]["payload"] == nil)
    }

    @Test func pagerDutyIsToldWhoCallsAndWhoHasIt() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(202)) }
        defer { server.stop() }
        var response = PagedResponse()
        response.page(.opened, at: 0)
        response.acknowledge(at: 120)
        response.page(.retriggered, at: 1920)
        response.acknowledge(at: 2000)
        response.resolve(at: 3000)
        let entries = response.entries
        // Nobody else is bothered with what is no call.
        #expect(entries.filter { $0.channel == "chat" }.map(\.notice.purpose) == [.page, .page, .resolved])
        let sends = entries.filter { $0.channel == "pager" }
        try await withClient { client in
            let channel = PagerDutyChannel(url: server.url, routingKey: Sample.secret("R0UT"), http: client)
            for entry in sends { #expect(await channel.deliver(Sample.send([entry.notice])) == .delivered) }
        }
        let events = try server.requests.map { try Sample.object($0.body) }
        #expect(
            events.map { "\($0["event_action"] ?? "") \($0["dedup_key"] ?? "")" } == [
                "trigger INC-7/1", "acknowledge INC-7/1",
                // What joins an acknowledged alert wakes nobody: the call again is an alert of its own.
                "trigger INC-7/1/2", "resolve INC-7/1", "acknowledge INC-7/1/2",
                "resolve INC-7/1", "resolve INC-7/1/2",
            ])
        #expect(events.map { $0["payload"] != nil } == [true, false, true, false, false, false, false])
        #expect(Set(sends.map(\.notice.key)).count == sends.count)
    }

    @Test func anAcknowledgementOfWhatNobodyWasCalledForIsNotSent() {
        var response = PagedResponse()
        response.acknowledge(at: 10)
        #expect(response.entries.isEmpty)
    }

    @Test func anEpisodeOfManyAlertsEndsWithTheLastOfThem() {
        var notice = Sample.notice("INC-7/1/resolved", .resolved)
        #expect(notice.alertKeys == ["INC-7/1"], "stored before alerts were counted")
        notice.alert = 3
        #expect(notice.alertKeys == ["INC-7/1", "INC-7/1/2", "INC-7/1/3"])
        notice.alert = 1000
        #expect(notice.alertKeys.count == Notice.alertsMax && notice.alertKeys.last == "INC-7/1/1000")
    }

    @Test func theOutboxAndAChannelTogetherOutliveABadReceiver() async throws {
        let answers = Mutex([
            CannedHTTPServer.Answer.bytes(CannedHTTPServer.answer(500)), .cut([]),
            .bytes(CannedHTTPServer.answer(429, headers: ["Retry-After: 1"])), .bytes(CannedHTTPServer.answer(200)),
        ])
        let server = try CannedHTTPServer { _ in
            answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
        defer { server.stop() }
        var outbox = OutboxMachine(channels: ["test": .init()])
        _ = outbox.add([OutboxEntry(Sample.notice(), channel: "test", at: Sample.at)], at: Sample.at)
        var now = Sample.at
        var states: [OutboxEntry.State] = []
        try await withClient { client in
            let channel = WebhookChannel(url: Sample.secret(server.url), http: client)
            while let due = outbox.nextDue(at: now), states.count < 10 {
                now = due
                for send in outbox.due(at: now) {
                    states += outbox.finish(send, await channel.deliver(send), at: now).map(\.state)
                }
            }
        }
        #expect(states == [.waiting, .waiting, .waiting, .delivered])
        #expect(server.requests.map { $0.headers["idempotency-key"] } == Array(repeating: "INC-7/1/1/0", count: 4))
    }
}

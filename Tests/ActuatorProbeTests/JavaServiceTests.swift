import ActuatorProbe
import CurlHTTP
import Foundation
import Probing
import PrometheusProbe
import Telemetry
import Testing
import TocsinTestKit

/// The test service must not be kinder than the real thing: its answers have the form of the recorded ones.
@Suite(.timeLimit(.minutes(2)))
struct JavaServiceTests {
    private static let anyJSON = "application/json, */*;q=0.1"

    /// The form of a JSON value: names and types, no numbers or words.
    private func form(_ value: JSONValue) -> String {
        if value.double != nil { return "number" }
        switch value {
        case .null: return "null"
        case .bool: return "bool"
        case .number: return "number"
        case .string: return "string"
        case .array(let elements): return "[" + Set(elements.map(form)).sorted().joined(separator: "|") + "]"
        case .object(let members):
            return "{" + members.sorted { $0.key < $1.key }.map { "\($0.key):\(form($0.value))" }.joined(separator: ",")
                + "}"
        }
    }

    private func fetch(_ client: CurlHTTPClient, _ url: String, accept: String) async throws -> HTTPResponse {
        switch await client.fetch(HTTPRequest(url: url, headers: [Label("Accept", accept)])) {
        case .response(let response): return response
        case .failure(let failure): throw UnexpectedFailure(description: failure.message)
        }
    }

    @Test func answersHaveTheRecordedForm() async throws {
        let service = try await JavaService.start()
        defer { service.kill() }
        let client = CurlHTTPClient()
        await service.get("/boom")
        await service.get("/ok")
        await service.get("/churn?mb=200")
        let cases: [(path: String, accept: String, file: String)] = [
            ("/actuator/health", Self.anyJSON, "02-after-traffic/health.http"),
            ("/actuator/health", "*/*", "03-http-variants/health-accept-any.http"),
            ("/actuator/health", "text/html", "03-http-variants/health-accept-text-html.http"),
            ("/actuator/health/db", Self.anyJSON, "03-http-variants/health-component-db.http"),
            ("/actuator/health/nope", Self.anyJSON, "03-http-variants/health-component-unknown.http"),
            ("/actuator/health/liveness", Self.anyJSON, "03-http-variants/health-group-liveness.http"),
            ("/actuator/health/readiness", Self.anyJSON, "03-http-variants/health-group-readiness.http"),
            ("/actuator/metrics", Self.anyJSON, "02-after-traffic/metrics.http"),
            ("/actuator/metrics/no.such.metric", Self.anyJSON, "02-after-traffic/metrics-unknown.http"),
            ("/actuator/metrics/jvm.memory.used", "*/*", "03-http-variants/metrics-accept-any.http"),
            ("/actuator/metrics/jvm.memory.used", "text/plain", "03-http-variants/metrics-accept-text-plain.http"),
            ("/actuator/metrics/jvm.memory.used?tag=area", Self.anyJSON, "03-http-variants/metrics-tag-malformed.http"),
            (
                "/actuator/metrics/jvm.memory.used?tag=area:nope", Self.anyJSON,
                "03-http-variants/metrics-tag-unknown-value.http"
            ),
            ("/actuator/env", Self.anyJSON, "03-http-variants/endpoint-not-exposed.http"),
            ("/actuator/", Self.anyJSON, "03-http-variants/actuator-trailing-slash.http"),
            ("/actuator/prometheus", "application/json", "03-http-variants/prometheus-accept-json.http"),
            ("/boom", Self.anyJSON, "02-after-traffic/app-500-json.http"),
            ("/nosuch", Self.anyJSON, "02-after-traffic/app-404-unmapped.http"),
        ]
        for (path, accept, file) in cases {
            let recorded = try Capture(file)
            let answer = try await fetch(client, service.url + path, accept: accept)
            #expect(answer.status == recorded.status, "\(path) \(accept)")
            #expect(answer.header("content-type") == recorded.contentType, "\(path) \(accept)")
            #expect(answer.body.isEmpty == recorded.body.isEmpty, "\(path) \(accept)")
            guard let expected = JSONValue.parse(recorded.body), path != "/actuator/metrics" else { continue }
            let value = try #require(JSONValue.parse(answer.body), "\(path)")
            #expect(form(value) == form(expected), "\(path) \(accept)")
        }
        await client.shutdown()
    }

    @Test func metersHaveTheRecordedNamesUnitsStatisticsAndTags() async throws {
        let service = try await JavaService.start()
        defer { service.kill() }
        let client = CurlHTTPClient()
        await service.get("/boom")
        await service.get("/ok")
        await service.get("/churn?mb=200")
        let list = try await fetch(client, service.actuatorURL + "/metrics", accept: Self.anyJSON)
        let names = try #require(JSONValue.parse(list.body)?["names"]?.array).compactMap(\.string)
        let recordedList = try #require(
            JSONValue.parse(try Capture("02-after-traffic/metrics.http").body)?["names"]?.array)
        #expect(Set(names).isSubset(of: Set(recordedList.compactMap(\.string))))
        #expect(names == names.sorted())
        let files = try Capture.index("02-after-traffic")
        var compared = 0
        for name in names {
            guard let file = files["/actuator/metrics/" + name] else { continue }
            let recorded = try Capture(file)
            let answer = try await fetch(client, service.actuatorURL + "/metrics/" + name, accept: Self.anyJSON)
            let expected = try #require(JSONValue.parse(recorded.body))
            let value = try #require(JSONValue.parse(answer.body))
            for key in ["name", "description", "baseUnit"] { #expect(value[key] == expected[key], "\(name) \(key)") }
            #expect(value.object?.keys.sorted() == expected.object?.keys.sorted(), "\(name)")
            func words(_ body: JSONValue, _ list: String, _ key: String) -> [String] {
                (body[list]?.array ?? []).compactMap { $0[key]?.string }
            }
            #expect(
                words(value, "measurements", "statistic") == words(expected, "measurements", "statistic"), "\(name)")
            #expect(
                words(value, "availableTags", "tag").sorted() == words(expected, "availableTags", "tag").sorted(),
                "\(name)")
            compared += 1
        }
        #expect(compared >= 35, "only \(compared) meters compared")
        await client.shutdown()
    }

    @Test func theExpositionHasTheRecordedFamiliesTypesAndLabels() async throws {
        let service = try await JavaService.start()
        defer { service.kill() }
        let client = CurlHTTPClient()
        await service.get("/boom")
        await service.get("/churn?mb=200")
        let answer = try await fetch(client, service.actuatorURL + "/prometheus", accept: "text/plain")
        let recorded = try Capture("02-after-traffic/prometheus.http")
        #expect(answer.header("content-type") == recorded.contentType)
        let types = Self.types(answer.body)
        let expected = Self.types(recorded.body)
        for (name, type) in types { #expect(expected[name] == type, "\(name)") }
        func labels(_ body: [UInt8]) -> [String: Set<String>] {
            var names: [String: Set<String>] = [:]
            for line in PrometheusText(body, isWanted: { _ in true }).lines {
                names[line.name, default: []].formUnion(line.labels.labels.map(\.name))
            }
            return names
        }
        let ours = labels(answer.body)
        let theirs = labels(recorded.body)
        for (name, labels) in ours { #expect(theirs[name] == labels, "\(name)") }
        #expect(ours.count > 40)
        await client.shutdown()
    }

    private static func types(_ body: [UInt8]) -> [String: String] {
        var types: [String: String] = [:]
        for line in String(decoding: body, as: UTF8.self).split(separator: "\n") where line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ")
            types[String(words[2])] = String(words[3])
        }
        return types
    }

    @Test func expectedLogins() async throws {
        let service = try await JavaService.start()
        defer { service.kill() }
        let client = CurlHTTPClient()
        await service.get("/admin/auth?mode=basic")
        for (accept, file) in [
            ("*/*", "health-noauth-accept_any.http"), ("application/json", "health-noauth-accept_json.http"),
        ] {
            let recorded = try Capture("09-security/" + file)
            let answer = try await fetch(client, service.actuatorURL + "/health", accept: accept)
            #expect(answer.status == recorded.status)
            #expect(answer.header("content-type") == recorded.contentType)
            #expect(String(decoding: answer.body, as: UTF8.self) == String(decoding: recorded.body, as: UTF8.self))
        }
        for (accept, status) in [("*/*", 401), ("application/json", 401), ("application/json, */*;q=0.1", 302)] {
            let answer = try await fetch(client, service.actuatorURL + "/metrics", accept: accept)
            #expect(answer.status == status)
            #expect(answer.header("location")?.hasSuffix("/login") ?? (status == 401))
        }
        await client.shutdown()
    }
}

struct UnexpectedFailure: Error, CustomStringConvertible {
    var description: String
}

import ActuatorProbe
import Telemetry
import Testing

struct ActuatorHealthTests {
    private func parse(_ text: String) -> ActuatorHealth? {
        JSONValue.parse(Array(text.utf8)).flatMap { ActuatorHealth($0) }
    }

    @Test(arguments: [
        ("06-health-statuses/health-DOWN.http", false, "DOWN"),
        ("06-health-statuses/health-OUT_OF_SERVICE.http", false, "OUT_OF_SERVICE"),
        ("06-health-statuses/health-UNKNOWN.http", true, "UNKNOWN"),
        ("06-health-statuses/health-DEGRADED.http", true, "DEGRADED"),
        ("02-after-traffic/health.http", true, "UP"),
    ])
    func recordedStatuses(_ file: String, _ isUp: Bool, _ orders: String) throws {
        let capture = try Capture(file)
        let health = try #require(JSONValue.parse(capture.body).flatMap { ActuatorHealth($0) })
        #expect(health.isUp == isUp)
        #expect(capture.status == (isUp ? 200 : 503))
        #expect(health.components["orders"] == orders)
        #expect(health.components["db"] == "UP")
        #expect(health.components.count == 7)
    }

    @Test func samplesSayWhatTheBodySays() throws {
        let body = try Capture("04-pool-exhausted/health-during.http").body
        let health = try #require(JSONValue.parse(body).flatMap { ActuatorHealth($0) })
        let samples = health.samples(labels: ["pod": "p"], at: Timestamp(millis: 5))
        #expect(samples.first == Sample(Series("actuator_health_up", ["pod": "p"]), Timestamp(millis: 5), 0))
        let database = samples.first { $0.series.labels["component"] == "db" }
        #expect(database?.value == 0)
        #expect(samples.filter { $0.series.metric == "actuator_health_component_up" && $0.value == 1 }.count == 6)
    }

    @Test func hiddenDetails() throws {
        let body = try Capture("15-variants/health-show-details-never.http").body
        let health = try #require(JSONValue.parse(body).flatMap { ActuatorHealth($0) })
        #expect(health.isUp)
        #expect(health.components.isEmpty)
    }

    @Test func boot20Shape() throws {
        let text = """
            {"status":"DOWN","details":{"db":{"status":"DOWN","details":{"first":{"status":"UP","details":{"database":"x"}},\
            "second":{"status":"DOWN","details":{"error":"e"}}}},"diskSpace":{"status":"UP","details":{"total":1,"free":1}}}}
            """
        let health = try #require(parse(text))
        #expect(health.components == ["db": "DOWN", "db/first": "UP", "db/second": "DOWN", "diskSpace": "UP"])
    }

    @Test(arguments: [
        "", "[]", "null", "\"UP\"", "{}", "{\"status\":500,\"error\":\"Internal Server Error\"}", "{\"status\":{}}",
        "<html>",
    ])
    func notHealth(_ text: String) {
        #expect(parse(text) == nil)
    }

    @Test func componentsAreBounded() throws {
        let children = (0..<200).map { "\"c\($0)\":{\"status\":\"UP\"}" }.joined(separator: ",")
        let health = try #require(parse("{\"status\":\"UP\",\"components\":{\(children)}}"))
        #expect(health.components.count == ActuatorHealth.componentsMax)
    }

    @Test func backoffGrowsAndEnds() {
        var backoff = HealthBackoff()
        func gap() -> Int {
            var runs = 0
            while !backoff.takeTurn() { runs += 1 }
            return runs
        }
        #expect(gap() == 0)
        var gaps: [Int] = []
        for _ in 0..<6 {
            backoff.grow()
            gaps.append(gap())
        }
        #expect(gaps == [1, 2, 4, 6, 6, 6])
        #expect(backoff.isBackingOff)
        backoff.reset()
        #expect(!backoff.isBackingOff)
        #expect(gap() == 0)
    }
}

import Signals
import Telemetry
import Testing

@Suite struct LogSignalsTests {
    private let orders = Subject(cluster: "test", kind: .workload, path: "shop/Deployment/orders")

    private func feed(_ engine: inout SignalEngine, _ seconds: Double, node: String, _ counts: [String: Double]) {
        let labels: LabelSet = ["namespace": "shop", "workload": "Deployment/orders", "node": node]
        for (level, count) in counts {
            engine.feed("log_lines_total", labels.merging(["level": level]), seconds, count)
        }
    }

    private func points(_ engine: inout SignalEngine, until end: Double) -> [SignalName: SignalPoint] {
        let points = engine.advance(to: at(end)).filter { $0.signal.rawValue.hasPrefix("log_") }
        return Dictionary(points.map { ($0.signal, $0) }, uniquingKeysWith: { $1 })
    }

    @Test func errorsOfAllEntriesOverAllNodes() {
        var engine = SignalEngine()
        for node in ["a", "b"] { feed(&engine, 1, node: node, ["error": 100, "info": 1000, "unknown": 5]) }
        #expect(points(&engine, until: 10)[.logErrors]?.value == nil, "the first look is the base line")
        feed(&engine, 11, node: "a", ["error": 130, "info": 1010, "unknown": 5])
        feed(&engine, 11, node: "b", ["error": 100, "info": 1050, "unknown": 15])
        var cell = points(&engine, until: 20)
        #expect(cell[.logErrors]?.subject == orders)
        #expect(cell[.logErrors]?.value == 30)
        #expect(cell[.logErrorRatio]?.value == 0.3)
        #expect(cell[.logErrorRatio]?.volume == 100)
        #expect(cell[.logErrorRatio]?.contributions.map(\.contributor) == ["a", "b"])
        // One agent starts anew, the other is silent.
        feed(&engine, 21, node: "a", ["error": 4, "info": 6, "unknown": 0])
        _ = engine.advance(to: at(30))
        cell = points(&engine, until: 40)
        #expect(cell[.logErrors]?.value == 4)
        #expect(cell[.logErrors]?.coverage == Coverage(present: 1, expected: 2))
    }

    @Test func newPatternsOfErrors() {
        var engine = SignalEngine()
        let labels: LabelSet = ["node": "a", "log": "system", "unit": "x.service"]
        var values: [Double?] = []
        for (cell, count) in [0.0, 0, 2, 2].enumerated() {
            let time = Double(cell) * 10 + 1
            engine.feed("log_new_patterns_total", labels.merging(["level": "error"]), time, count)
            engine.feed("log_new_patterns_total", labels.merging(["level": "warn"]), time, count * 5)
            let points = engine.points(.logNewPatterns, until: Double(cell + 1) * 10)
            #expect(points.allSatisfy { $0.subject == Subject(cluster: "test", kind: .node, path: "node/a") })
            #expect(points.flatMap(\.contributions).allSatisfy { $0.contributor == "a/system/x.service" })
            values += points.map(\.value)
        }
        // The first look is the base line.
        #expect(values == [0, 2, 0])
    }
}

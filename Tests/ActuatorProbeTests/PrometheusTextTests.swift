import PrometheusProbe
import Telemetry
import Testing

struct PrometheusTextTests {
    private func read(_ text: String, linesMax: Int = 100) -> PrometheusText {
        PrometheusText(Array(text.utf8), linesMax: linesMax) { _ in true }
    }

    @Test func valuesAndLabels() {
        let text = read(
            """
            # HELP a something
            # TYPE a gauge
            a 1
            a{} 2.5E7
            b{x="1",y="a\\"b\\\\c\\nd, } {"} NaN
            \tc{ x = "1" , } +Inf 1795557429000
            d{x="1"} -Inf # {trace_id="x"} 1.0\r

            """)
        #expect(text.malformedCount == 0)
        #expect(text.lines.map(\.name) == ["a", "a", "b", "c", "d"])
        #expect(text.lines[1].value == 2.5e7)
        #expect(text.lines[2].labels == ["x": "1", "y": "a\"b\\c\nd, } {"])
        #expect(text.lines[2].value.isNaN)
        #expect(text.lines[3].value == .infinity)
        #expect(text.lines[4].value == -.infinity)
    }

    @Test(arguments: [
        "a", "a{", "a{x", "a{x=", "a{x=\"", "a{x=\"1", "a{x=\"1\"", "a{x=\"1\"}", "a{x=\"1\"} ", "a{x=\"1\\",
        "a{=\"1\"} 1",
        "a{x=\"1\" y=\"2\"} 1", "a one", "a 0x10", "1a 1", "{x=\"1\"} 1", "a{x=1} 1", "<html>", "a{x=\"1\"}}",
    ])
    func malformedLinesArePassedOver(_ line: String) {
        let text = read("good 1\n" + line + "\nalso{a=\"b\"} 2\n")
        #expect(text.lines.map(\.name) == ["good", "also"])
        #expect(text.malformedCount == 1)
    }

    @Test func bounds() {
        let text = read((0..<500).map { "m{i=\"\($0)\"} 1" }.joined(separator: "\n"), linesMax: 100)
        #expect(text.lines.count == 100)
        #expect(text.droppedCount == 400)
        let labels = (0..<65).map { "l\($0)=\"x\"" }.joined(separator: ",")
        #expect(read("m{\(labels)} 1").malformedCount == 1)
    }

    @Test func unwantedNamesAreNotKept() {
        let text = PrometheusText(Array("a 1\nb{x=\"1\"} 2\n".utf8)) { $0 == "b" }
        #expect(text.lines.map(\.name) == ["b"])
        #expect(text.hasSamples)
        #expect(!read("<html><body>login</body></html>").hasSamples)
    }

    @Test func everyPrefixOfARecordedAnswerIsReadWithoutATrap() throws {
        let body = try Capture("01-fresh-start/prometheus.http").body
        let whole = PrometheusText(body) { _ in true }
        #expect(whole.malformedCount == 0)
        #expect(whole.lines.count == 147)
        for length in stride(from: 0, to: body.count, by: 97) {
            let part = PrometheusText(Array(body[..<length])) { _ in true }
            #expect(part.lines.count <= whole.lines.count)
            #expect(part.malformedCount <= 1)
        }
    }
}

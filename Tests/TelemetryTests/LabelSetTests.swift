import Telemetry
import Testing

@Suite struct LabelSetTests {
    @Test func sortsKeepsTheLastAndDropsTheEmpty() {
        let labels = LabelSet([Label("pod", "b"), Label("area", "heap"), Label("pod", "a"), Label("id", "")])
        #expect(labels.labels == [Label("area", "heap"), Label("pod", "a")])
        #expect(labels["id"] == nil)
    }

    @Test func settingNilOrEmptyRemoves() {
        var labels: LabelSet = ["a": "1", "b": "2"]
        labels["a"] = ""
        labels["b"] = nil
        labels["c"] = "3"
        #expect(labels.labels == [Label("c", "3")])
    }

    @Test func printsAsPrometheusDoes() {
        let series = Series("jvm_memory_used_bytes", ["id": "G1 \"Old\" Gen\\\n", "area": "heap"])
        #expect(series.description == #"jvm_memory_used_bytes{area="heap",id="G1 \"Old\" Gen\\\n"}"#)
        #expect(Series("up").description == "up")
    }

    @Test func mergingPrefersTheOther() {
        let merged = (["a": "1", "b": "2"] as LabelSet).merging(["b": "3"])
        #expect(merged == ["a": "1", "b": "3"])
        #expect(merged.removing(["a"]) == ["b": "3"])
    }
}

/// One of `/proc/pressure/*`: seconds in which some, or all, tasks waited for the resource.
struct PressureInfo: Hashable, Sendable {
    var waitingSeconds: Double?
    var stalledSeconds: Double?

    static func parse(_ text: String) -> PressureInfo {
        var info = PressureInfo()
        for line in ProcText.lines(text) {
            let words = ProcText.words(line)
            guard let kind = words.first, let total = words.last, total.hasPrefix("total="),
                let microseconds = Double(total.dropFirst(6))
            else { continue }
            if kind == "some" { info.waitingSeconds = microseconds / 1e6 }
            if kind == "full" { info.stalledSeconds = microseconds / 1e6 }
        }
        return info
    }
}

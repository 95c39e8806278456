/// `/proc/meminfo` in bytes, under the kernel's own names.
enum MemoryInfo {
    /// What becomes a series, `node_memory_NAME_bytes`.
    static let wanted: Set<String> = [
        "MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "Dirty", "Slab", "SwapTotal", "SwapFree",
        "Committed_AS",
    ]

    static func parse(_ text: String) -> [String: Double] {
        var values: [String: Double] = [:]
        for line in ProcText.lines(text) {
            let words = ProcText.words(line)
            guard words.count == 3, words[2] == "kB", words[0].last == ":", let kibibytes = Double(words[1]) else {
                continue
            }
            let name = String(words[0].dropLast())
            if wanted.contains(name) { values[name] = kibibytes * 1024 }
        }
        return values
    }
}

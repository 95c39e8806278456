import Foundation
package import Telemetry

/// Rounds of samples, each round what one agent sends at once.
package struct Workload: Sendable {
    /// One agent: its series, and for each round the samples by position in `series`.
    package struct Stream: Sendable {
        /// The node.
        package var name: String
        /// All its series.
        package var series: [Series] = []
        /// Position in `series`, milliseconds since the epoch, value.
        package var rounds: [[(series: Int, millis: Int64, value: Double)]] = []
    }

    /// The agents.
    package var streams: [Stream] = []

    /// What is wrong with a file, or with a figure.
    package struct Fault: Error {
        /// A sentence.
        package var message: String

        /// Makes a fault.
        package init(message: String) {
            self.message = message
        }
    }

    /// A directory written by the fleet generator: `series.tsv`, `times.i64`, `values.f64`; a stream for each node.
    package static func fleet(_ directory: String) throws -> Workload {
        let matrix = try FleetMatrix(directory)
        let streams = matrix.nodes.map { node in
            Stream(
                name: node.name, series: node.series,
                rounds: matrix.times.indices.map { round in
                    node.columns.enumerated().map { place, column in
                        (place, matrix.times[round], matrix.value(round: round, column: column))
                    }
                })
        }
        return Workload(streams: streams)
    }

    /// A file of Prometheus text whose rounds start with `# ROUND <milliseconds>`: one stream.
    package static func recorded(_ path: String) throws -> Workload {
        let data = try Data(contentsOf: URL(filePath: path))
        var stream = Stream(name: URL(filePath: path).lastPathComponent)
        var known: [Substring: Int] = [:]
        var time: Int64 = 0
        let text = String(decoding: data, as: UTF8.self)
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            if line.first == UInt8(ascii: "#") {
                let words = Substring(line).split(separator: " ")
                if words.count == 3, words[1] == "ROUND", let start = Int64(words[2]) {
                    time = start
                    stream.rounds.append([])
                }
                continue
            }
            let closing = line.lastIndex(of: UInt8(ascii: "}")) ?? line.firstIndex(of: UInt8(ascii: " "))
            guard let closing, !stream.rounds.isEmpty else { throw Fault(message: "no sample") }
            let end = line[closing] == UInt8(ascii: "}") ? line.index(after: closing) : closing
            let identity = Substring(line[..<end])
            let rest = Substring(line[end...]).split(separator: " ")
            guard let word = rest.first, let value = number(word) else { throw Fault(message: "no value: \(identity)") }
            let number = known[identity, default: stream.series.count]
            if number == stream.series.count {
                known[identity] = number
                stream.series.append(series(identity))
            }
            let millis = rest.count > 1 ? Int64(rest[1]) ?? time : time
            stream.rounds[stream.rounds.count - 1].append((number, millis, value))
        }
        return Workload(streams: [stream])
    }

    /// Files of one node, recorded side by side, as the stream of its one agent: the label `job` tells them apart.
    package static func recordedNode(_ paths: [String]) throws -> Workload {
        var node = Stream(name: "recorded")
        for path in paths {
            let job = URL(filePath: path).deletingPathExtension().lastPathComponent
            for one in try recorded(path).streams {
                let first = node.series.count
                node.series += one.series.map { series in
                    Series(series.metric, LabelSet(series.labels.labels + [Label("job", job)]))
                }
                for (round, samples) in one.rounds.enumerated() {
                    if round == node.rounds.count { node.rounds.append([]) }
                    node.rounds[round] += samples.map { ($0.series + first, $0.millis, $0.value) }
                }
            }
        }
        return Workload(streams: [node])
    }

    private static func number(_ word: Substring) -> Double? {
        switch word {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        default: Double(word)
        }
    }

    private static func series(_ identity: Substring) -> Series {
        guard let brace = identity.firstIndex(of: "{") else { return Series(String(identity)) }
        var labels: [Label] = []
        var rest = identity[identity.index(after: brace)...]
        while let equals = rest.firstIndex(of: "="), let open = rest[equals...].firstIndex(of: "\"") {
            let name = rest[..<equals].drop { $0 == "," || $0 == " " }
            var value = ""
            var place = rest.index(after: open)
            while place < rest.endIndex, rest[place] != "\"" {
                if rest[place] == "\\" { place = rest.index(after: place) }
                value.append(rest[place])
                place = rest.index(after: place)
            }
            labels.append(Label(String(name), value))
            rest = rest[rest.index(after: place)...]
        }
        return Series(String(identity[..<brace]), LabelSet(labels))
    }
}

import BenchSupport
import SampleCodec
import SampleStore
import Telemetry

/// One agent: a round of its series is a frame.
struct Sender {
    let node: FleetMatrix.Node
    private let key: SessionKey
    private let numbers: [UInt32]
    private var encoder = SampleBlockChainEncoder()
    private var columns = SampleColumns()
    private var sequence: UInt64 = 0
    private var chainStart: UInt64 = 0

    init(_ node: FleetMatrix.Node) throws {
        self.node = node
        key = SessionKey(cluster: "bench", node: node.name, session: Array(repeating: 7, count: 16))
        var encoder = encoder
        numbers = try node.series.map { try encoder.intern($0) }
        self.encoder = encoder
    }

    mutating func frame(round: Int, of fleet: FleetMatrix) throws -> IncomingFrame {
        columns.removeAll()
        let millis = fleet.times[round]
        for (place, column) in node.columns.enumerated() {
            columns.append(series: numbers[place], millis: millis, value: fleet.value(round: round, column: column))
        }
        let payload = try encoder.encode(columns)
        sequence += 1
        let isStart = (sequence - 1) % UInt64(encoder.blocksPerChain) == 0
        if isStart { chainStart = sequence }
        let time = Timestamp(millis: millis)
        var frame = try IncomingFrame(
            key: key, sequence: sequence, kind: .sampleBlock, from: time, to: time, receivedAt: time, payload: payload,
            chainStart: chainStart)
        frame.definitions = isStart ? SeriesList(node.series) : []
        return frame
    }
}

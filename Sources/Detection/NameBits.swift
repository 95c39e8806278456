import Signals
import Telemetry

/// Compares the names in a row of points by their bits first.
///
/// Reading a string out of an array counts its owner up and down, which costs more than all else that is done with a
/// healthy point.
struct NameBits {
    private let points: UnsafeBufferPointer<SignalPoint>
    private let path: Int?
    private let cluster: Int?
    private let signal: Int?

    /// Good as long as the row's buffer is.
    init(_ points: UnsafeBufferPointer<SignalPoint>) {
        self.points = points
        let isKnown = MemoryLayout<String>.size == MemoryLayout<TextBits>.size
        path = isKnown ? MemoryLayout<SignalPoint>.offset(of: \.subject.path) : nil
        cluster = isKnown ? MemoryLayout<SignalPoint>.offset(of: \.subject.cluster) : nil
        signal = isKnown ? MemoryLayout<SignalPoint>.offset(of: \.signal.rawValue) : nil
    }

    /// Whether two points have the same subject.
    @inline(__always)
    func isSameSubject(_ left: Int, _ right: Int) -> Bool {
        if let path, let cluster, points[left].subject.kind == points[right].subject.kind,
            bits(left, path) == bits(right, path), bits(left, cluster) == bits(right, cluster)
        {
            return true
        }
        return points[left].subject.isSame(as: points[right].subject)
    }

    /// Whether a point's signal has these bits.
    @inline(__always)
    func hasSignal(_ place: Int, _ known: TextBits) -> Bool {
        guard let signal else { return false }
        return bits(place, signal) == known
    }

    @inline(__always)
    private func bits(_ place: Int, _ offset: Int) -> TextBits? {
        points.baseAddress.map { UnsafeRawPointer($0 + place).load(fromByteOffset: offset, as: TextBits.self) }
    }
}

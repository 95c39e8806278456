import Signals
import Testing

@testable import Detection

@Suite struct WindowKindTests {
    /// What the reference says of a window: counts of events are summed, ratios and means weighted by their volume.
    @Test(arguments: [
        (SignalName.oomKills, WindowKind.sum), (.restarts, .sum), (.nodeOOMKills, .sum), (.deadlocks, .sum),
        (.logErrors, .sum), (.logNewPatterns, .sum), (.errorRatio, .weighted), (.latencyMeanSeconds, .weighted),
        (.readyRatio, .weighted), (.rollbackRatio, .weighted), (.logErrorRatio, .weighted), (.heapUsedRatio, .point),
    ])
    func kinds(signal: SignalName, kind: WindowKind) {
        #expect(WindowKind(signal) == kind)
    }
}

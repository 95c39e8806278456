package import Telemetry

/// A probe that learns of transitions between its runs and hands them over at once.
package protocol PushingProbe: Probe {
    /// Hands every later edge to `outlet`, which neither blocks nor waits. The runner calls it when it takes the
    /// probe on.
    func pushes(to outlet: @escaping @Sendable ([Edge]) -> Void)
}

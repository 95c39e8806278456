import GRDB

extension Configuration {
    /// Waits for a store that is let go of and still closes.
    static var waiting: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        return configuration
    }
}

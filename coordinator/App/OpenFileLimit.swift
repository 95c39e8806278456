import Foundation

/// How many files and sockets the process may have open.
enum OpenFileLimit {
    /// Left for stores, logs and channels when connections are bounded by it.
    static let reserved = 128

    /// Raises the limit as far as the system lets this process, since 1024, a common default, is less than the
    /// connections of a large fleet; gives what is in force then.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

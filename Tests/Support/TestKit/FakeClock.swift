import Foundation

/// A wall clock for a process of its own that goes wrong, by libfaketime; its monotonic clock goes on as it is.
///
/// The library sets a variable in the first process that it is loaded into, and a Swift program whose environment
/// changes before it begins finds no arguments: so it works with a `ChildProcess`, which starts a wrapper first, and
/// not by hand. It also shifts the timers of a process, and holds them up when the clock goes back.
package struct FakeClock: Sendable {
    private let library: String
    private let file: String

    /// A clock that is right; what it shows is kept in a file of the folder.
    package init(in folder: TemporaryDirectory) throws {
        let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
            .first { FileManager.default.fileExists(atPath: $0) }
        guard let found else {
            throw ChildProcess.Failure(description: "libfaketime is missing: deploy/local/deps.sh all installs it")
        }
        library = found
        file = folder.path + "/fake-clock"
        try set(ahead: 0)
    }

    /// Has it go so many seconds ahead from now on, also in processes that run already.
    package func set(ahead seconds: Int) throws {
        try "+\(seconds)\n".write(toFile: file, atomically: true, encoding: .utf8)
    }

    /// What a process that lives by this clock needs in its environment.
    package var variables: [String: String] {
        [
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        ]
    }
}

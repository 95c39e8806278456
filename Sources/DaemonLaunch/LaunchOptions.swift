import ArgumentParser
package import Logging
import SystemPackage

/// What both daemons are told on their command lines, beside their file.
package struct LaunchOptions: ParsableArguments {
    @Option(help: "trace, debug, info, notice, warning, error or critical.", transform: LaunchOptions.level)
    var logLevel = Logger.Level.info

    /// Whether the program ends when its file is checked.
    @Flag(help: "Check the configuration and exit: 0 when it is right, 2 when it is not.")
    package var dryRun = false

    /// Makes the defaults, which the parser of the command line fills in.
    package init() {}

    private static func level(_ word: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: word) else {
            throw ValidationError("there is no log level '\(word)'")
        }
        return level
    }

    /// Sends the process' log to standard error and makes its logger; to be called once.
    package func logger(label: String) -> Logger {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: label)
        logger.logLevel = logLevel
        return logger
    }

    /// What `load` reads; when it throws, the reason goes to standard error and the program ends with exit code 2.
    package static func configuration<Value>(_ load: () throws -> Value) throws -> Value {
        do {
            return try load()
        } catch {
            complain("\(error)")
            throw ExitCode(2)
        }
    }

    /// Writes a line to standard error.
    package static func complain(_ text: String) {
        // Nobody is left to be told when standard error is closed.
        _ = try? FileDescriptor.standardError.writeAll(Array((text + "\n").utf8))
    }
}

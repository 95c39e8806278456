package import Foundation
import Glibc
import Synchronization

/// A real process started by a test: its output lines are captured, and it dies with us, even when we are killed.
///
/// `setpriv --pdeathsig KILL` gives the last promise and can switch the user. When the object goes, the process is
/// killed.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Exit: Hashable, Sendable {
        /// It returned this code.
        case code(Int32)
        /// This signal ended it.
        case signal(Int32)
    }

    /// What went wrong, with the last lines of output.
    package struct Failure: Error, CustomStringConvertible {
        /// What and why.
        package var description: String

        /// Makes a failure.
        package init(description: String) {
            self.description = description
        }
    }

    /// The user a process runs as.
    package struct User: Hashable, Sendable {
        /// Numeric user id.
        package var id: uid_t
        /// Numeric group id.
        package var group: gid_t

        /// Looks a user up; nil when there is none of that name.
        package init?(named name: String) {
            guard let entry = getpwnam(name) else { return nil }
            id = entry.pointee.pw_uid
            group = entry.pointee.pw_gid
        }
    }

    /// Process id; it may belong to nobody any more once the process has ended.
    package let pid: pid_t
    /// The command for messages.
    package let name: String
    private let input: Int32
    private let record = ProcessRecord()

    /// Starts `executable` (a path) with both output streams captured and its input a pipe.
    ///
    /// - Parameters:
    ///   - environment: replaces ours; nil keeps it.
    ///   - directory: the working directory; nil keeps ours.
    ///   - user: switches to this user, which takes root; nil keeps ours.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        directory: String? = nil,
        user: User? = nil
    ) throws {
        var command = ["/usr/bin/setpriv", "--pdeathsig", "KILL"]
        if let user { command += ["--reuid", "\(user.id)", "--regid", "\(user.group)", "--clear-groups"] }
        command.append("--")
        if let directory { command += ["/usr/bin/env", "-C", directory] }
        command += [executable] + arguments
        let variables = (environment ?? ProcessInfo.processInfo.environment).map { "\($0.key)=\($0.value)" }
        name = URL(fileURLWithPath: executable).lastPathComponent
        let spawned = try Spawner.shared.spawn(command, environment: variables)
        pid = spawned.pid
        input = spawned.input
        let record = record
        let pid = spawned.pid
        Thread.detachNewThread { record.readLines(from: spawned.output) }
        Thread.detachNewThread { record.waitForExit(of: pid) }
    }

    deinit {
        kill()
        _ = close(input)
    }

    /// The lines so far, standard output and error as they came; the newest 20,000.
    package var lines: [String] { record.lines }

    /// How it ended; nil while it runs.
    package var exit: Exit? { record.exit }

    /// Sends a signal, if the process still runs.
    package func signal(_ signal: Int32) {
        record.whileRunning { _ = Glibc.kill(pid, signal) }
    }

    /// Sends SIGKILL.
    package func kill() { signal(SIGKILL) }

    /// Writes text to the process' input.
    package func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            // A closed input must not end the test process by SIGPIPE, so the input is a socket.
            let count = bytes[offset...].withUnsafeBytes { send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw failure("takes no input: errno \(errno)") }
            offset += count
        }
    }

    /// Ends the process' input.
    package func closeInput() {
        _ = shutdown(input, Int32(SHUT_WR))
    }

    /// Waits for a line that contains `text`, from line number `from` on, and returns it.
    ///
    /// Throws when the process ends or the time passes first.
    @discardableResult
    package func waitForLine(containing text: String, from: Int = 0, timeout: Duration = .seconds(20)) async throws
        -> String
    {
        let found = await record.wait(for: .line(containing: text, from: from), timeout: timeout)
        guard let found else { throw failure("ended or fell silent before it wrote \"\(text)\"") }
        return found
    }

    /// Waits for the end of the process and of its output.
    @discardableResult
    package func waitForExit(timeout: Duration = .seconds(20)) async throws -> Exit {
        _ = await record.wait(for: .exit, timeout: timeout)
        guard let exit = record.exit else { throw failure("still runs after \(timeout)") }
        return exit
    }

    /// Asks with SIGTERM, then with SIGKILL after `timeout`, and waits for the end.
    @discardableResult
    package func terminate(timeout: Duration = .seconds(10)) async throws -> Exit {
        signal(SIGTERM)
        _ = await record.wait(for: .exit, timeout: timeout)
        kill()
        return try await waitForExit()
    }

    /// Runs a command to its end and returns its lines; throws when it fails.
    @discardableResult
    package static func run(
        _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil, user: User? = nil,
        timeout: Duration = .seconds(60)
    ) async throws -> [String] {
        let process = try ChildProcess(executable, arguments, environment: environment, user: user)
        process.closeInput()
        let exit = try await process.waitForExit(timeout: timeout)
        guard exit == .code(0) else { throw process.failure("ended with \(exit)") }
        return process.lines
    }

    private func failure(_ text: String) -> Failure {
        Failure(
            description: "\(name) (pid \(pid)) \(text); its last lines:\n" + lines.suffix(20).joined(separator: "\n"))
    }
}

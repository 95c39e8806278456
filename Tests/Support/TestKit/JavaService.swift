import Foundation
import Glibc
import Synchronization

/// A real JVM that serves the actuator's contract with its own heap, collections and request numbers.
///
/// Sources: `Tests/Support/JavaService/*.java`, compiled once per process with `javac`. Needs a JDK 17 or later on the PATH.
package final class JavaService: Sendable {
    /// How the service is started.
    package struct Options: Sendable {
        /// Options of the JVM, such as `-Xmx64m` or `-XX:+UseSerialGC`.
        package var jvm: [String]
        /// Options of the service, such as `--no-prometheus`, `--pool-timeout-ms 500`, `--workers 20`, `--show-details never`.
        package var service: [String]
        /// The port on 127.0.0.1; 0 takes a free one.
        package var port: Int
        /// Time for compiling and starting.
        package var startTimeout: Duration

        /// Makes options.
        package init(
            jvm: [String] = ["-Xmx64m"], service: [String] = [], port: Int = 0, startTimeout: Duration = .seconds(60)
        ) {
            self.jvm = jvm
            self.service = service
            self.port = port
            self.startTimeout = startTimeout
        }
    }

    /// Why the service could not be started.
    package struct Failure: Error, CustomStringConvertible {
        /// One sentence, with what the compiler or the service wrote.
        package var description: String
    }

    /// The port it serves on.
    package let port: Int
    /// Its process id.
    package let processID: Int32
    private let process: Mutex<Process>

    private init(_ process: sending Process, port: Int) {
        processID = process.processIdentifier
        self.process = Mutex(process)
        self.port = port
    }

    deinit {
        kill()
    }

    /// `http://127.0.0.1:PORT`.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// The base URL of its actuator.
    package var actuatorURL: String { url + "/actuator" }

    /// Whether a JDK is there to run it.
    package static var isAvailable: Bool { find("java") != nil && find("javac") != nil }

    /// Compiles the sources if that was not done yet, starts the JVM and waits until it serves.
    package static func start(_ options: Options = Options()) async throws -> JavaService {
        guard let java = find("java") else { throw Failure(description: "There is no java on the PATH.") }
        let classes = try await compiled.value()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: java)
        process.arguments =
            options.jvm + ["-cp", classes.path, "JavaService", "--port", String(options.port)] + options.service
        let output = Pipe()
        let errors = classes.appending(path: "stderr-\(UUID().uuidString)")
        try Data().write(to: errors)
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let descriptor = output.fileHandleForReading.fileDescriptor
        let port = await onThread { readyPort(from: descriptor, within: options.startTimeout) }
        guard let port else {
            Glibc.kill(process.processIdentifier, SIGKILL)
            let text = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
            throw Failure(description: "The service did not say READY: \(text.prefix(2000))")
        }
        return JavaService(process, port: port)
    }

    /// Asks the process to end and waits until it has.
    package func stop() async {
        Glibc.kill(processID, SIGTERM)
        await ended()
    }

    /// Ends the process at once, as the kernel does it for memory.
    package func kill() {
        process.withLock { if $0.isRunning { Glibc.kill(processID, SIGKILL) } }
    }

    /// Stops the process where it stands (SIGSTOP): its port accepts connections, but nothing answers.
    package func freeze() {
        Glibc.kill(processID, SIGSTOP)
    }

    /// Lets a frozen process go on.
    package func thaw() {
        Glibc.kill(processID, SIGCONT)
    }

    /// Whether the process runs.
    package var isRunning: Bool { process.withLock { $0.isRunning } }

    /// Waits until the process has ended.
    package func ended() async {
        await Self.onThread { [self] in
            while isRunning { usleep(5000) }
        }
    }

    /// Sends one GET, such as `/ok` or `/admin/hang-health?on=true`; returns the status, or nil without an answer.
    @discardableResult
    package func get(_ path: String, timeout: Duration = .seconds(30)) async -> Int? {
        let port = port
        return await Self.onThread { LoopbackHTTP.get(port: port, path: path, timeout: timeout) }
    }

    // MARK: - Compiling

    private static let compiled = OnceCompiled()

    private actor OnceCompiled {
        private var result: Result<URL, any Error>?

        func value() throws -> URL {
            if let result { return try result.get() }
            let result = Result { try JavaService.compile() }
            self.result = result
            return try result.get()
        }
    }

    private static func compile() throws -> URL {
        guard let javac = find("javac") else { throw Failure(description: "There is no javac on the PATH.") }
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "JavaService")
        let files = try FileManager.default.contentsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".java") }
            .sorted()
        let classes = FileManager.default.temporaryDirectory.appending(path: "tocsin-java-\(getpid())")
        try FileManager.default.createDirectory(at: classes, withIntermediateDirectories: true)
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: javac)
        process.arguments = ["-d", classes.path] + files.map { sources.appending(path: $0).path }
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "javac failed: \(text.prefix(2000))") }
        return classes
    }

    private static func find(_ program: String) -> String? {
        var directories = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":").map(
            String.init)
        if let home = ProcessInfo.processInfo.environment["JAVA_HOME"] { directories.insert(home + "/bin", at: 0) }
        return directories.map { $0 + "/" + program }.first { access($0, X_OK) == 0 }
    }

    private static func readyPort(from descriptor: Int32, within timeout: Duration) -> Int? {
        var text: [UInt8] = []
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, 200) > 0 else { continue }
            var byte: UInt8 = 0
            guard read(descriptor, &byte, 1) == 1 else { return nil }
            guard byte == 10 else {
                text.append(byte)
                continue
            }
            let line = String(decoding: text, as: UTF8.self)
            text = []
            if line.hasPrefix("READY port=") { return Int(line.dropFirst("READY port=".count)) }
        }
        return nil
    }

    /// Runs what blocks on a thread of its own, never on the shared pool.
    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}

/// The smallest HTTP client that can drive a local service.
enum LoopbackHTTP {
    /// Sends one GET to 127.0.0.1 and reads the answer to its end; the status, or nil without one.
    static func get(port: Int, path: String, timeout: Duration) -> Int? {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard connection >= 0 else { return nil }
        defer { close(connection) }
        var wait = timeval(tv_sec: Int(timeout.components.seconds), tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = UInt16(port).bigEndian
        let connected = withUnsafeBytes(of: &address) { raw in
            connect(
                connection, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard connected == 0 else { return nil }
        let request = Array(
            "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAccept: */*\r\nConnection: close\r\n\r\n".utf8)
        guard send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var head: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            if head.count < 64 { head += chunk[..<count] }
        }
        let parts = String(decoding: head.prefix(64), as: UTF8.self).split(separator: " ")
        return parts.count > 1 ? Int(parts[1].prefix(3)) : nil
    }
}

import Foundation
import Glibc

/// A real JVM that serves the actuator's contract with its own heap, collections and request numbers.
///
/// Sources: `Tests/Support/JavaService/*.java`, compiled once per process with `javac`. Needs a JDK 17 or later on the
/// PATH.
package final class JavaService: Sendable {
    /// How the service is started.
    package struct Options: Sendable {
        /// Options of the JVM, such as `-Xmx64m` or `-XX:+UseSerialGC`.
        package var jvm: [String]
        /// Options of the service, such as `--no-prometheus`, `--pool-timeout-ms 500`, `--workers 20`, `--show-details
        /// never`.
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

    /// The port it serves on.
    package let port: Int
    private let program: SpawnedProgram

    private init(_ program: SpawnedProgram, port: Int) {
        self.program = program
        self.port = port
    }

    deinit {
        kill()
    }

    /// Its process id.
    package var processID: Int32 { program.processID }

    /// `http://127.0.0.1:PORT`.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// The base URL of its actuator.
    package var actuatorURL: String { url + "/actuator" }

    /// Whether a JDK is there to run it.
    package static var isAvailable: Bool { find("java") != nil && find("javac") != nil }

    /// Compiles the sources if that was not done yet, starts the JVM and waits until it serves.
    package static func start(_ options: Options = Options()) async throws -> JavaService {
        let classes = try await compiled.value()
        let program = try SpawnedProgram(
            ["java"] + options.jvm + ["-cp", classes.path, "JavaService", "--port", String(options.port)]
                + options.service)
        let ready = await program.line(containing: "READY port=", within: options.startTimeout)
        guard let port = ready.flatMap({ Int($0.drop { $0 != "=" }.dropFirst()) }) else {
            program.signal(SIGKILL)
            throw SpawnedProgram.Failure(description: "The service did not say READY: \(program.text.suffix(2000))")
        }
        return JavaService(program, port: port)
    }

    /// Asks the process to end and waits until it has.
    package func stop() async {
        program.signal(SIGTERM)
        await program.ended()
    }

    /// Ends the process at once, as the kernel does it for memory.
    package func kill() {
        program.signal(SIGKILL)
    }

    /// Stops the process where it stands (SIGSTOP): its port accepts connections, but nothing answers.
    package func freeze() {
        program.signal(SIGSTOP)
    }

    /// Lets a frozen process go on.
    package func thaw() {
        program.signal(SIGCONT)
    }

    /// Whether the process runs.
    package var isRunning: Bool { program.isRunning }

    /// Waits until the process has ended.
    package func ended() async {
        await program.ended()
    }

    /// Sends one GET, such as `/ok` or `/admin/hang-health?on=true`; returns the status, or nil without an answer.
    @discardableResult
    package func get(_ path: String, timeout: Duration = .seconds(30)) async -> Int? {
        let port = port
        return await SpawnedProgram.onThread { LoopbackHTTP.get(port: port, path: path, timeout: timeout) }
    }

    // MARK: - Compiling

    private static let compiled = OnceCompiled()

    private actor OnceCompiled {
        private var task: Task<URL, any Error>?

        func value() async throws -> URL {
            if let task { return try await task.value }
            // Ends by itself when javac has ended; kept so that everybody waits for one compilation.
            let task = Task { try await JavaService.compile() }
            self.task = task
            return try await task.value
        }
    }

    /// Compiles into a folder named for the sources' content, so that the next process finds it done.
    private static func compile() async throws -> URL {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "JavaService")
        let files = try FileManager.default.contentsOfDirectory(atPath: sources.path)
            .filter { $0.hasSuffix(".java") }.sorted().map { sources.appending(path: $0) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for file in files {
            for byte in try Data(contentsOf: file) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        let parent = FileManager.default.temporaryDirectory
        let classes = parent.appending(path: "tocsin-java-\(getuid())-\(String(hash, radix: 16))")
        guard access(classes.path, R_OK) != 0 else { return classes }
        let work = parent.appending(path: "tocsin-java-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        try await SpawnedProgram.output(of: ["javac", "-d", work.path] + files.map(\.path))
        // Another process may have been quicker; its result is the same.
        if rename(work.path, classes.path) != 0 { try? FileManager.default.removeItem(at: work) }
        return classes
    }

    private static func find(_ program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
            .map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
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

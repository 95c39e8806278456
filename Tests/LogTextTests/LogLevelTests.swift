import Testing

@testable import LogText

@Suite struct LogLevelTests {
    @Test(
        arguments: [
            ("2026-11-25T00:00:01.123Z ERROR 1 --- [nio-8080-exec-1] o.e.Orders : no warning", .error),
            ("2026-11-25 00:00:01  WARN [main] HikariPool-1 - ERROR follows", .warn),
            ("[INFO] started, error rate 0", .info), ("00:00:01.2 DEBUG x", .debug), ("TRACE x", .debug),
            (#"{"msg":"ERROR: no, fine","level":"info"}"#, .info), (#"{"log.level": "Error","msg":"x"}"#, .error),
            (#"{"severity":"WARNING"}"#, .warn), (#"{"msg":"an ERROR"}"#, .unknown),
            ("ts=1 level=warn msg=\"error ignored\"", .warn), ("lvl=eror msg=x", .unknown),
            ("E1124 22:37:53.956994       1 controller.go:12] failed", .error),
            ("I1124 22:37:53.9 1 x.go:1] error", .info),
            ("Exception in thread \"main\" java.lang.OutOfMemoryError", .error),
            ("an error happened", .unknown), ("ERRORS: 0", .unknown), ("", .unknown), ("java.lang.Error", .unknown),
            ("SEVERE: x", .error), ("2026/11/24 22:38:00 [error] 7#0: *1 open() failed", .error),
            ("[Tue Nov 24 22:38:00 2026] [proxy_http:warn] [pid 7] x", .warn), ("a[error] = [1] error]", .error),
            ("list [errors] (error] :error]", .unknown), (#"{"msg":"[error] x"}"#, .unknown),
            ("2026-11-25 [\u{1b}[31mERROR\u{1b}[0m] x", .error),
        ] as [(String, LogLevel)])
    func detection(line: String, level: LogLevel) {
        let bytes = Array(line.utf8)
        #expect(bytes.withUnsafeBytes { LogLevel.detect($0) } == level)
    }

    @Test func farWordsDoNotCount() {
        let bytes = Array((String(repeating: "x", count: LogLevel.windowMax) + " ERROR").utf8)
        #expect(bytes.withUnsafeBytes { LogLevel.detect($0) } == .unknown)
    }
}

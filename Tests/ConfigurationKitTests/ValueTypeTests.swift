import ConfigurationKit
import Testing

@Suite struct ValueTypeTests {
    private let context = ValueContext(folder: "/etc/tocsin", isPlain: true)

    @Test(arguments: [
        ("a:1", HostPort(host: "a", port: 1)), ("[::1]:7481", HostPort(host: "::1", port: 7481)),
        ("127.0.0.1:65535", HostPort(host: "127.0.0.1", port: 65_535)),
    ])
    func endpoints(text: String, expected: HostPort) throws {
        let value = try ValueType<HostPort>.endpoint.parse(text, context)
        #expect(value == expected)
        #expect(value.description == text)
    }

    @Test(arguments: [
        "a", "a:", ":1", "a:0", "a:65536", "a:+1", "::1:80", "[::1]", "[a]:1", "a b:1", "http://a:1", "a:1/x", "a:٣",
        "",
    ])
    func badEndpoints(text: String) {
        #expect(throws: ValueProblem.self) { try ValueType<HostPort>.endpoint.parse(text, context) }
    }

    @Test func listenersMayLetTheSystemChoose() throws {
        #expect(try ValueType<HostPort>.listener.parse("127.0.0.1:0", context).port == 0)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8086/actuator", "http://127.0.0.1:8086/actuator"), ("https://a.b/", "https://a.b"),
        ("https://[::1]:8443/x/", "https://[::1]:8443/x"), ("http://a", "http://a"),
    ])
    func urls(text: String, expected: String) throws {
        #expect(try ValueType<String>.url.parse(text, context) == expected)
    }

    @Test(arguments: [
        "a/b", "ftp://a", "http://", "http:///x", "http://a:b/", "http://a b/", "http://u:p@a/", "http://a/?q",
        "http://a/#f",
        "http://ä/", "http://a:99999",
    ])
    func badURLs(text: String) {
        #expect(throws: ValueProblem.self) { try ValueType<String>.url.parse(text, context) }
    }

    @Test func aURLWithCredentialsIsNeverRepeated() {
        let problem = #expect(throws: ValueProblem.self) {
            try ValueType<String>.url.parse("https://user:hunter2@host/", context)
        }
        #expect(problem?.hidesValue == true)
        #expect(problem?.reason.contains("hunter2") == false)
    }

    @Test(arguments: [
        ("/a/b", "/a/b"), ("a", "/etc/tocsin/a"), ("./a", "/etc/tocsin/a"), ("../a", "/etc/a"), ("/a/./b/../c", "/a/c"),
    ])
    func paths(text: String, expected: String) throws {
        #expect(try ValueType<String>.path.parse(text, context) == expected)
    }

    @Test func pathsBesideABareNameStayRelative() throws {
        let here = ValueContext(folder: ".", isPlain: true)
        #expect(try ValueType<String>.path.parse("../a/b", here) == "../a/b")
    }

    @Test func pinsAreBase64WhateverTheyWereWrittenIn() throws {
        // SHA-256 of nothing, as `openssl dgst -sha256 -hex` and `-binary | base64` give it.
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        #expect(try ValueType<String>.publicKeyPin.parse(hex, context) == base64)
        #expect(try ValueType<String>.publicKeyPin.parse(base64, context) == base64)
        #expect(try ValueType<String>.publicKeyPin.parse("sha256//\(base64)", context) == base64)
        #expect(throws: ValueProblem.self) { try ValueType<String>.publicKeyPin.parse("abc", context) }
    }

    @Test(arguments: ["error-*", "*", "oddsmaker/Deployment/?"])
    func globs(text: String) throws {
        #expect(try ValueType<Glob>.glob.parse(text, context).pattern == text)
    }

    @Test(arguments: ["", "a b", "[a-z]", "a|b", "^a$", "a\\*", "{a,b}"])
    func badGlobs(text: String) {
        #expect(throws: ValueProblem.self) { try ValueType<Glob>.glob.parse(text, context) }
    }

    @Test(arguments: ["yes", "on", "True", "1", ""])
    func onlyTrueAndFalseAreBooleans(text: String) {
        #expect(throws: ValueProblem.self) { try ValueType<Bool>.boolean.parse(text, context) }
    }

    @Test func quotedNumbersAreText() {
        let quoted = ValueContext(folder: "", isPlain: false)
        #expect(throws: ValueProblem.self) { try ValueType<Int>.integer(in: 0...10).parse("5", quoted) }
        #expect(throws: ValueProblem.self) { try ValueType<Bool>.boolean.parse("true", quoted) }
    }

    @Test func loopbackIsRecognised() {
        #expect(TargetAddress(url: "http://127.0.0.1:1/x").isLoopback)
        #expect(TargetAddress(url: "http://[::1]:1").isLoopback)
        #expect(TargetAddress(url: "https://localhost").isLoopback)
        #expect(!TargetAddress(url: "https://localhost.example").isLoopback)
        #expect(!TargetAddress(url: "http://10.0.0.1").isLoopback)
    }
}

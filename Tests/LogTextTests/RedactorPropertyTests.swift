import Selectors
import Testing
import TocsinTestKit

@testable import LogText

/// Secrets of each kind, made at random and put into random surroundings.
@Suite(.timeLimit(.minutes(5))) struct RedactorPropertyTests {
    private static let letters = "abcdefghijklmnopqrstuvwxyz"
    private static let base64 = letters + letters.uppercased() + "0123456789"
    private static let noise = letters + " 0123456789 ,;:=()[]{}<>\"'\\/@.-_%&?!|+*#äß€\u{1b}\t"

    /// A secret, and the text that carries it.
    private typealias Hidden = (secret: String, text: String)

    private static func luhn(_ digits: [Int]) -> Int {
        let sum = digits.reversed().enumerated().reduce(0) { sum, item in
            let doubled = item.element * 2
            return sum + (item.offset % 2 == 0 ? (doubled > 9 ? doubled - 9 : doubled) : item.element)
        }
        return (10 - sum % 10) % 10
    }

    private static let makers: [@Sendable (inout SeededRandom) -> Hidden] = [
        { random in
            let token = random.text(base64 + "._-~", 12...60)
            return (token, "\(random.one(of: ["Bearer ", "bearer ", "Authorization: Bearer ", "BEARER: "]))\(token)")
        },
        { random in
            let token =
                "eyJ\(random.text(base64, 10...40)).\(random.text(base64, 10...40)).\(random.text(base64, 0...20))"
            return (token, token)
        },
        { random in
            let value = random.text(base64 + "!$%*+~^/", 6...30)
            let key = random.one(of: [
                "password", "PASSWORD", "userPassword", "db.passwd", "X-Api-Key", "api_key", "clientSecret",
                "access-token",
                "MYSQL_ROOT_PWD", "sessionId",
            ])
            let form = random.one(of: [
                ("=", ""), (": ", ""), ("=\"", "\""), ("\":\"", "\""), ("': '", "'"), ("\\\":\\\"", "\\\""),
                (" => ", ""),
            ])
            return (value, "\(key)\(form.0)\(value)\(form.1)")
        },
        { random in
            let password = random.text(base64 + "!$%*+~^:", 6...30)
            return (
                password,
                "\(random.one(of: ["postgres", "https", "amqp+ssl"]))://\(random.text(letters, 1...8)):\(password)@db.x:1/a"
            )
        },
        { random in
            let local = random.text(letters + "0123456789._+-", 6...30)
            return (local, "\(local)@\(random.text(letters, 2...10)).\(random.one(of: ["com", "co.uk", "example"]))")
        },
        { random in
            var digits = [random.one(of: [4, 5, 6])]
            for _ in 0..<Int.random(in: 11...17, using: &random) {
                digits.append(Int.random(in: 0...9, using: &random))
            }
            digits.append(luhn(digits))
            let plain = digits.map(String.init).joined()
            return (plain, plain)
        },
        { random in
            let key = random.one(of: ["AKIA", "ASIA"]) + random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16...16)
            return (key, key)
        },
        { random in
            let key = random.text(base64, 60...64) + "aB3dE7aB3dE7"
            return (key, "-----BEGIN PRIVATE KEY-----\\n\(key)\\n-----END PRIVATE KEY-----")
        },
    ]

    @Test(arguments: 0..<8)
    func noSecretIsKept(kind: Int) {
        var random = SeededRandom(seed: UInt64(kind) + 1)
        let redactor = Redactor()
        for round in 0..<300 {
            let (secret, text) = Self.makers[kind](&random)
            let line = random.text(Self.noise, 0...60) + " " + text + " " + random.text(Self.noise, 0...60)
            let kept = redactor.redact(line.utf8)
            #expect(!kept.text.contains(secret), "round \(round): \(line) became \(kept.text)")
            #expect(kept.counts.values.reduce(0, +) > 0)
        }
    }

    /// Whatever comes in, text comes out, within its bounds and without control characters, in bounded time.
    @Test func anyBytes() throws {
        var random = SeededRandom(seed: 9)
        let redactor = Redactor(patterns: [try SearchPattern("[0-9a-f]{8}-x+"), try SearchPattern("\\w+@")])
        let pieces = [
            "password", "token", "=", ":", "\"", "\\", "'", "@", "://", "-----BEGIN ", "-----END ", "eyJ", ".",
            "Bearer ",
            "4111", " ", "-", "[", "{", "}", "]", "<", ">", "%3D", "value", ",", "\u{1b}[", "AKIA", "\u{0}", "é",
            "\u{200b}",
        ].map { Array($0.utf8) }
        var block = KeyBlock()
        for _ in 0..<4_000 {
            var line: [UInt8] = []
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                line +=
                    Bool.random(using: &random)
                    ? random.one(of: pieces) : random.bytes(Int.random(in: 0...6, using: &random))
            }
            let kept = redactor.redact(line, block: &block)
            #expect(kept.text.utf8.count <= Redactor.textBytesMax + 3 * 16)
            #expect(kept.text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 })
        }
    }

    @Test(arguments: [
        "password=", "secret:{", "token=,", "a@", "://", "Bearer ", "eyJ.", "-----BEGIN ", "1 ", "\\\"", "AKIA", "4-",
        "key ",
        "\u{1b}[", "password \"", "@a.", "token\\",
    ])
    func repeatedPiecesCostLittle(piece: String) {
        let line = Array(String(repeating: piece, count: 100_000).utf8.prefix(200_000))
        let kept = Redactor().redact(line)
        #expect(kept.text.utf8.count <= Redactor.textBytesMax + 3 * 16)
    }
}

import Testing
import TocsinTestKit

@testable import Selectors

struct CapturePatternTests {
    private func captured(_ pattern: String, _ text: String) throws -> [String]? {
        let names = ["a", "b"]
        var steps = 1_000_000
        let scalars = Array(text.unicodeScalars)
        guard case .groups(let groups) = try CapturePattern(pattern, names: names).first(in: scalars, steps: &steps)
        else { return nil }
        return groups.map { range in
            var view = String.UnicodeScalarView()
            view.append(contentsOf: range.map { scalars[$0] } ?? ["-"])
            return String(view)
        }
    }

    @Test(arguments: [
        ("x(?P<a>[0-9]+)", "x1 x22", ["1", "-"]), ("x(?<a>[0-9]+)y", "x1 x22y", ["22", "-"]),
        ("(?P<a>.*) from (?P<b>.*)", "a from b from c", ["a from b", "c"]),
        ("(?P<a>.*?) from (?P<b>.*)", "a from b from c", ["a", "b from c"]),
        ("(?P<a>a+?)(?P<b>a*)", "aaa", ["a", "aa"]), ("(?P<a>a{1,2})(?P<b>a*)", "aaa", ["aa", "a"]),
        ("(?P<a>a|ab)(?P<b>c|bcd)", "abcd", ["a", "bcd"]), ("(?:(?P<a>x)|(?P<b>y))z", "xyz", ["-", "y"]),
        ("k=(?:(?P<a>[0-9]+) )?(?P<b>.*)$", "k=é 5", ["-", "é 5"]), ("^(?P<a>.)", "ab", ["a", "-"]),
        ("(?P<b>.)$", "ab", ["-", "b"]), ("(?P<a>(?P<b>.)b)*c", "abxbc", ["xb", "x"]),
        ("(?P<a>)xyz", "xyz", ["", "-"]),
    ])
    func capturesWhatPerlDoes(pattern: String, text: String, expected: [String]) throws {
        #expect(try captured(pattern, text) == expected)
    }

    @Test(arguments: [("^(?P<a>b)", "ab"), ("(?P<a>a)$", "ab"), ("(?P<a>x)", ""), ("(?P<a>a)b{2}", "ab")])
    func noMatch(pattern: String, text: String) throws {
        #expect(try captured(pattern, text) == nil)
    }

    @Test(arguments: [
        ("Failed (?:password|key) for (?P<a>.*) from", " for "), ("abc(?:d)?efgh", "efgh"), ("abcd(?:e)+fg", "abcde"),
        ("ab.cd", ""), ("(?i)abcdef", ""), ("abc|abd", ""), ("^a{3}bc$", ""),
        ("type=\\\\?\"?LOGIN_ERROR", "LOGIN_ERROR"),
    ])
    func aLiteralStandsInEveryMatch(pattern: String, literal: String) throws {
        // By length alone, so `Failed ` would be the other one.
        let rarity: (String) -> Int = { $0 == "Failed " ? 0 : $0.utf8.count }
        #expect(try CapturePattern(pattern, names: ["a"], rarity: rarity).literal == literal)
    }

    @Test(arguments: [
        ("(?P<c>x)", "a group named 'c'; the names are a, b"), ("(?P<a>x)(?P<a>y)", "two groups named 'a'"),
        ("(?P<a", "a name without its >"), ("(?=x)", "only (?:…), (?P<NAME>…)"), ("(?P<a>x", "a ( without its )"),
        (String(repeating: "x", count: 513), "longer than 512 bytes"), ("(?P<a>x{900}){9}", "repeats too much"),
    ])
    func faultsAreTold(pattern: String, message: String) {
        let error = #expect(throws: SearchPattern.SyntaxError.self) {
            try CapturePattern(pattern, names: ["a", "b"])
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("Selectors have no named groups")
    func selectorsHaveNoNames() {
        #expect(throws: SearchPattern.SyntaxError.self) { try SearchPattern("(?P<a>x)") }
    }

    @Test("What a backtracking matcher takes for ever over ends within its steps")
    func workIsBounded() throws {
        let text = Array(String(repeating: "a", count: 4000).unicodeScalars)
        var steps = 10_000
        let pattern = try CapturePattern("(?P<a>(?:a*)*)*b$", names: ["a"])
        #expect(pattern.first(in: text, steps: &steps) == .exhausted)
        #expect(steps > -100, "it stops at the character at which the steps run out")
        steps = 10_000_000
        #expect(pattern.first(in: text, steps: &steps) == .nothing)
    }

    @Test("Matches and captures are those of the standard library's backtracking matcher", arguments: 0..<400)
    func agreesWithRegex(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pattern = random.expression(depth: 3) + "(?<a>" + random.expression(depth: 2) + ")" + random.atom()
        let reference = try Regex<AnyRegexOutput>(pattern).matchingSemantics(.unicodeScalar)
        for _ in 0..<5 {
            let text = String((0..<10).map { _ in random.one("aab c") })
            let scalars = Array(text.unicodeScalars)
            var steps = 1_000_000
            let found = try CapturePattern(pattern, names: ["a"]).first(in: scalars, steps: &steps)
            guard let match = text.firstMatch(of: reference) else {
                #expect(found == .nothing, "\(pattern) in \(text)")
                continue
            }
            let range = match.output[1].range.map {
                text.unicodeScalars.distance(
                    from: text.startIndex, to: $0.lowerBound)..<text.unicodeScalars.distance(
                        from: text.startIndex, to: $0.upperBound)
            }
            #expect(found == .groups([range]), "\(pattern) in \(text)")
        }
    }
}

extension SeededRandom {
    fileprivate mutating func one(_ characters: String) -> Character {
        characters.randomElement(using: &self) ?? "a"
    }

    /// One character, or one of some.
    fileprivate mutating func atom() -> String {
        ["a", "b", " ", "[ab]", "[^a]", "."].randomElement(using: &self) ?? "a"
    }

    /// What is repeated matches something each time: of repeated nothing machines think differently.
    fileprivate mutating func expression(depth: Int) -> String {
        guard depth > 0 else { return atom() }
        let repeats = ["", "*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}"]
        switch Int.random(in: 0..<4, using: &self) {
        case 0: return "(?:\(expression(depth: depth - 1))|\(expression(depth: depth - 1)))"
        case 1: return "(?:\(atom())\(atom()))" + (repeats.randomElement(using: &self) ?? "")
        case 2: return atom() + (repeats.randomElement(using: &self) ?? "")
        default: return expression(depth: depth - 1) + expression(depth: depth - 1)
        }
    }
}

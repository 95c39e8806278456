import Telemetry
import Testing

@testable import Selectors

struct SeriesSelectorTests {
    private let series = Series("http_requests_total", ["namespace": "shop", "pod": "cart-7f", "code": "503"])

    @Test(arguments: [
        ("http_requests_total", true), ("http_requests", false), ("{pod=\"cart-7f\"}", true),
        (" { pod = 'cart-7f' , } ", true),
        ("http_requests_total{code=\"503\",namespace!=\"prod\"}", true), ("http_requests_total{code!=\"503\"}", false),
        ("{code=~\"5..\"}", true), ("{code=~\"5.\"}", false), ("{pod!=\"\",code!~\"5..\"}", false),
        ("{pod!=\"\",code!~\"4..\"}", true),
        ("{__name__=~\"http_.*\",pod=~\"cart-.+\"}", true), ("{absent=\"\",pod!=\"\"}", true),
        ("{absent!=\"\"}", false),
        ("{absent=~\".*\",pod!=\"\"}", true), ("{absent=~\".+\"}", false), ("{cluster=\"alpha\"}", true),
        ("{cluster!=\"alpha\",pod!=\"\"}", false),
        ("http_requests_total{}", true), ("{pod=~`cart-\\w+`}", true), ("{pod=~\"cart-\\\\w+\"}", true),
    ])
    func matches(text: String, expected: Bool) throws {
        #expect(try SeriesSelector(text).matches(series, cluster: "alpha") == expected)
    }

    @Test func aLabelNamedClusterGoesBeforeTheAgentsCluster() throws {
        let own = Series("m", ["cluster": "inner"])
        #expect(try SeriesSelector("{cluster=\"inner\"}").matches(own, cluster: "alpha"))
        #expect(try !SeriesSelector("{cluster=\"alpha\"}").matches(own, cluster: "alpha"))
    }

    @Test(arguments: [
        ("", 1, "names everything"), ("{}", 1, "names everything"), ("{a=\"\"}", 1, "names everything"),
        ("{a=~\".*\"}", 1, "names everything"), ("{a!~\"x\"}", 1, "names everything"),
        ("9up", 1, "expected a metric name or {, found \"9\""),
        ("up{", 4, "expected a label name, found the end"), ("up{a}", 5, "expected =, !=, =~ or !~, found \"}\""),
        ("up{a=b}", 6, "expected a quoted value, found \"b\""), ("up{a=\"b}", 6, "the quote is not closed"),
        ("up{a=\"b\" c=\"d\"}", 10, "expected , or }, found \"c\""),
        ("up{a=\"b\"", 9, "expected , or }, found the end"),
        ("up{a=\"b\"} x", 11, "expected a metric name or {, found \"x\""), ("up{a=\"\\d\"}", 7, "no such escape"),
        ("up{a=~\"(\"}", 7, "a ( without its )"), ("up{,}", 4, "expected a label name"),
        ("up{a:b=\"c\"}", 5, "expected ="),
    ])
    func faultsHaveAColumn(text: String, column: Int, message: String) {
        let error = #expect(throws: SelectorError.self) { try SeriesSelector(text) }
        #expect(error?.column == column)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func sizesAreBounded() {
        let many = (0...SeriesSelector.matchersMax).map { "l\($0)=\"\"" }.joined(separator: ",")
        #expect(throws: SelectorError.self) { try SeriesSelector("{\(many)}") }
        #expect(throws: SelectorError.self) {
            try SeriesSelector("m{a=\"" + String(repeating: "x", count: 5000) + "\"}")
        }
    }

    // MARK: - Expressions

    @Test(arguments: [
        ("", "", true), ("", "a", false), ("abc", "abc", true), ("abc", "abcd", false), ("a|b|c", "b", true),
        ("a|", "", true),
        ("a*", "aaa", true), ("a+", "", false), ("a?b", "b", true), ("(ab)+", "abab", true), ("(?:ab)+", "aba", false),
        ("a{2}", "aa", true), ("a{2}", "a", false), ("a{2,}", "aaaa", true), ("a{1,2}", "aaa", false),
        ("a{0}", "", true),
        ("[a-c]+", "abcabc", true), ("[^a-c]", "d", true), ("[^a-c]", "b", false), ("[]a]", "]", true),
        ("[a-]", "-", true),
        ("[\\d_]+", "1_2", true), ("\\d+", "123", true), ("\\D", "1", false), ("\\w\\W\\s", "a- ", true),
        ("\\.", "x", false),
        (".", "\n", false), (".", "é", true), ("^a$", "a", true), ("a^b", "ab", false), ("(?i)AbC[x-z]", "aBcY", true),
        ("(a|b)*c|d", "ababc", true), ("x*?y", "xxy", true), ("ü+", "üü", true), ("[а-я]+", "привет", true),
        ("()", "", true),
        ("(a*)*", "aaaa", true), ("(a|a)*b", "aaab", true), ("\\n", "\n", true), ("a{2}{", "a", nil),
        ("(", "", nil), (")", "", nil), ("[", "", nil), ("[b-a]", "", nil), ("*", "", nil), ("a**", "", nil),
        ("a{", "", nil),
        ("a{2,1}", "", nil), ("a{1001}", "", nil), ("\\", "", nil), ("\\q", "", nil), ("(?=a)", "", nil),
        ("\\1", "", nil),
    ])
    func expressions(pattern: String, text: String, expected: Bool?) {
        do {
            #expect(try LinearRegex(pattern).matchesWhole(text) == expected)
        } catch {
            #expect(expected == nil, "\(error)")
        }
    }

    @Test func patternsThatKeepBacktrackersBusyAreQuick() throws {
        let text = String(repeating: "a", count: 2000)
        let clock = ContinuousClock()
        for pattern in ["(a+)+b", "(a|aa)+b", "(a*)*b", "(.*)*x", "(a?){100}a{100}b"] {
            let expression = try LinearRegex(pattern)
            let time = clock.measure { #expect(!expression.matchesWhole(text)) }
            #expect(time < .seconds(5))
        }
    }

    @Test func patternsThatExplodeAreRefused() {
        for pattern in [
            "((a{1000}){1000}){1000}", "((){1000}){1000}{2}", String(repeating: "(", count: 60),
            String(repeating: "a", count: 1025), "(a|b){1000}{3}", "((a?){1000}){1000}",
        ] {
            #expect(throws: RegexError.self) { try LinearRegex(pattern) }
        }
        // Nothing, however often, is nothing.
        #expect(throws: Never.self) { try LinearRegex("((((){1000}){1000}){1000}){1000}") }
    }
}

import QueryWire
import Testing

struct QuerySelectorTests {
    @Test(arguments: [
        ("up", "up"), (" up { } ", "up"), ("up{}", "up"), ("ns:rate5m", "ns:rate5m"),
        (#"up{a="b",c!="d",e=~"f.*",g!~"h|i"}"#, #"up{a="b",c!="d",e=~"f.*",g!~"h|i"}"#),
        (#"up{ a = "b" , }"#, #"up{a="b"}"#),
        (#"{pod="x"}"#, #"{pod="x"}"#), (#"{pod=~".+"}"#, #"{pod=~".+"}"#), (#"up{a='it"s'}"#, #"up{a="it\"s"}"#),
        (#"up{a="\\d\n\""}"#, #"up{a="\\d\n\""}"#), (#"up{a=""}"#, #"up{a=""}"#),
    ])
    func reads(text: String, canonical: String) throws {
        let selector = try SeriesSelector(text)
        #expect(selector.description == canonical)
        #expect(try SeriesSelector(canonical) == selector)
    }

    @Test(arguments: [
        ("", 0), ("{}", 0), (#"{a=""}"#, 0), (#"{a=~".*"}"#, 0), ("1up", 1), ("up x", 4), ("up{", 4), ("up{a", 5),
        ("up{a=", 6),
        ("up{a=b}", 6), (#"up{a="b"#, 6), (#"up{a="b" c="d"}"#, 10), (#"up{a=="b"}"#, 6), (#"up{a>"b"}"#, 5),
        (#"up{a="\q"}"#, 8),
        (#"up{a="b"}}"#, 10), (#"up{,}"#, 4), ("über", 1), (#"up{a:b="c"}"#, 5),
    ])
    func refuses(text: String, column: Int) {
        let error = #expect(throws: QueryError.self) { try SeriesSelector(text) }
        #expect(error?.code == .invalidArgument)
        if column > 0 { #expect(error?.message.contains("column \(column):") == true, "\(error?.message ?? "")") }
    }

    @Test func isBounded() {
        #expect(throws: QueryError.self) { try SeriesSelector(String(repeating: "a", count: 4097)) }
        let many = (0...SeriesSelector.conditionsMax).map { "l\($0)=\"x\"" }.joined(separator: ",")
        #expect(throws: QueryError.self) { try SeriesSelector("up{\(many)}") }
    }
}

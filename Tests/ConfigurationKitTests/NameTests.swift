import ConfigurationKit
import Testing

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("intervall", "interval"), ("nod", "node"), ("certificatefile", "certificateFile"), ("max_size", "maxSize"),
        ("tsl", "tls"), ("limts", "limits"),
    ])
    func findsTypos(name: String, meant: String) {
        let keys = ["node", "interval", "certificateFile", "maxSize", "tls", "limits"]
        #expect(NearestName.of(name, among: keys) == meant)
    }

    @Test(arguments: ["somethingElse", "x", "", "zzz"])
    func guessesNothingFarAway(name: String) {
        #expect(NearestName.of(name, among: ["interval", "node"]) == nil)
    }

    @Test func aNameIsNotItsOwnNeighbour() {
        #expect(NearestName.of("node", among: ["node"]) == nil)
    }
}

@Suite struct GlobTests {
    @Test(arguments: [
        ("*", "anything/at/all"), ("*", ""), ("error-*", "error-rate"),
        ("oddsmaker/Deployment/*", "oddsmaker/Deployment/a"),
        ("*/Deployment/*-control", "oddsmaker/Deployment/oddsmaker-control"), ("p?", "p1"), ("a*b*c", "aXbYbZc"),
        ("x", "x"),
        ("**", "a"), ("*a", "aaa"),
    ])
    func fits(pattern: String, name: String) {
        #expect(Glob(pattern).matches(name))
    }

    @Test(arguments: [
        ("error-*", "raised-error"), ("p?", "p"), ("p?", "p12"), ("x", "X"), ("a*b", "ac"), ("", "a"), ("?", ""),
    ])
    func doesNotFit(pattern: String, name: String) {
        #expect(!Glob(pattern).matches(name))
    }

    @Test func manyStarsTakeNoExponentialTime() {
        let pattern = Glob(String(repeating: "*a", count: 100) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    }

    @Test func narrowerPatternsAreGreater() {
        let ordered = [
            "*", "*/*", "oddsmaker/*", "oddsmaker/*/*", "oddsmaker/Deployment/*", "oddsmaker/Deployment/control",
        ]
        let specificities = ordered.map { Glob($0).specificity }
        #expect(specificities == specificities.sorted())
        #expect(Glob("a*").specificity > Glob("*a*").specificity)
        #expect(Glob("a?").specificity > Glob("a*").specificity)
    }
}

import Testing

@testable import Runbook

/// The runbook's two looks into `audit_logs`, filled in with names that strangers chose.
@Suite struct AuditQueryTests {
    @Test func theTwoAreTheRunbooksWithWhomTheFindingsName() {
        let queries = AuditQuery.queries(for: [
            ("login-failures", ["203.0.113.9", "admin"]), ("login-after-failures", ["admin"]),
            ("login-spray", ["2001:db8::7"]), ("error-rate", ["oddsmaker-control-1"]),
        ])
        let named = "(username = 'admin' OR client_ip IN ('203.0.113.9', '2001:db8::7'))"
        #expect(
            queries.map(\.text) == [
                "SELECT * FROM audit_logs WHERE action = 'LOGIN' AND result = 'FAILURE' AND \(named)"
                    + " ORDER BY created_at DESC LIMIT 100;",
                "SELECT client_ip, count(*) FROM audit_logs WHERE result = 'FAILURE' AND \(named)"
                    + " GROUP BY client_ip ORDER BY count DESC LIMIT 20;",
            ])
        #expect(queries.first?.title.hasPrefix("Check failed login attempts ('username'") == true)
    }

    @Test func addressesAloneNeedNoColumnOfAccounts() {
        let queries = AuditQuery.queries(for: [("login-spray", ["203.0.113.9"])])
        #expect(queries.map(\.title) == ["Check failed login attempts", "Check suspicious IPs"])
        #expect(queries.allSatisfy { $0.text.contains(" AND client_ip = '203.0.113.9' ") })
    }

    @Test func whatNamesNobodyGivesNone() {
        #expect(AuditQuery.queries(for: []).isEmpty)
        #expect(AuditQuery.queries(for: [("login-failures", ["", "a\0b"]), ("latency", ["x"])]).isEmpty)
    }

    @Test func manyNamesAreBounded() {
        let queries = AuditQuery.queries(for: [("login-after-failures", (0..<50).map { "user\($0)" })])
        #expect(queries.first?.text.components == AuditQuery.namesMax)
    }

    @Test(arguments: [
        ("admin", "'admin'"), ("O'Brien", "'O''Brien'"),
        ("'; DROP TABLE audit_logs; --", "'''; DROP TABLE audit_logs; --'"),
        ("a\\", #"U&'a\\'"#), ("\\' OR 1=1 --", #"U&'\\'' OR 1=1 --'"#), ("a\nb", #"U&'a\000Ab'"#),
        ("\u{1B}[31m", #"U&'\001B[31m'"#), ("evil\u{202E}gnp", #"U&'evil\202Egnp'"#), ("\u{E0041}x", #"U&'\+0E0041x'"#),
        ("Zoë 😀", "'Zoë 😀'"), ("$(reboot)`x`", "'$(reboot)`x`'"),
    ])
    func namesAreOneLiteral(name: String, literal: String) {
        #expect(AuditQuery.literal(name) == literal)
    }

    /// A reader of SQL literals as the manual has it: what comes out is the name, and nothing follows it.
    @Test func whateverTheNameIsTheLiteralIsItAgain() {
        var state: UInt64 = 7
        let alphabet = Array("'\\ab;-\n\u{7}\u{202E}é😀:$0".unicodeScalars)
        for _ in 0..<2000 {
            var name = ""
            for _ in 0..<(1 + Int(state % 9)) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                name.unicodeScalars.append(alphabet[Int((state >> 33) % UInt64(alphabet.count))])
            }
            #expect(AuditQuery.literal(name).flatMap(Self.read) == name)
        }
    }

    /// The value of a literal that is the whole text; nil for anything else.
    private static func read(_ literal: String) -> String? {
        var rest = Substring(literal)
        let isEscaped = rest.hasPrefix("U&")
        if isEscaped { rest = rest.dropFirst(2) }
        guard rest.first == "'", rest.last == "'", rest.count >= 2 else { return nil }
        var scalars = Array(rest.dropFirst().dropLast().unicodeScalars)[...]
        var value = ""
        while let scalar = scalars.popFirst() {
            if scalar == "'" {
                guard scalars.popFirst() == "'" else { return nil }
                value.unicodeScalars.append("'")
            } else if scalar == "\\" {
                guard isEscaped else { return nil }
                if scalars.first == "\\" {
                    scalars.removeFirst()
                    value.unicodeScalars.append("\\")
                    continue
                }
                let isLong = scalars.first == "+"
                if isLong { scalars.removeFirst() }
                let digits = scalars.prefix(isLong ? 6 : 4).map { String($0) }.joined()
                scalars = scalars.dropFirst(isLong ? 6 : 4)
                guard let code = UInt32(digits, radix: 16), let decoded = Unicode.Scalar(code) else { return nil }
                value.unicodeScalars.append(decoded)
            } else {
                value.unicodeScalars.append(scalar)
            }
        }
        return value
    }

    @Test(arguments: [
        ("10.0.0.7", true), ("::1", true), ("2001:db8:0:0:0:0:0:1", true), ("fe80::1", true), ("10.0.0", false),
        ("10.0.0.256", false), ("admin", false), ("a:b:c", false), ("1::2::3", false), ("dead", false), ("", false),
    ])
    func addressesAreToldFromAccounts(text: String, isOne: Bool) {
        #expect(AuditQuery.isAddress(text) == isOne)
    }
}

extension String {
    /// Texts in quotes that begin with `user`.
    fileprivate var components: Int { ranges(of: "'user").count }
}

import Selectors

/// A login that a log line tells of.
package struct LoggedLogin: Hashable, Sendable {
    /// Whose account; empty when the line does not say.
    package var account: String
    /// The client's address; empty when the line does not say.
    package var address: String
    /// Whether it succeeded.
    package var isSuccess: Bool
    /// How many logins the line stands for.
    package var count: Int
}

/// Finds logins in the lines of one log: pure, in bounded time for any line.
///
/// Most lines are passed over for lack of any pattern's literal. Failures are tried before successes, so that a name
/// that was made to look like a success stays a failure's.
package struct LoginMatcher: Sendable {
    /// What one line gave.
    package enum Found: Hashable, Sendable {
        /// Nothing.
        case nothing
        /// A login.
        case login(LoggedLogin)
        /// The work that was allowed was done before that was known.
        case exhausted
    }

    /// As far into a line as is looked.
    package static let windowBytesMax = 4096
    /// Characters of an account or address beyond this are cut off.
    package static let nameLengthMax = 200

    private let patterns: [LoginPattern]
    private let scan: LiteralScan
    /// By pattern, the bit of its literal.
    private let bits: [UInt64]

    /// Makes a matcher; of more than `LiteralScan.literalsMax` literals the patterns of the last ones never match.
    package init(_ patterns: [LoginPattern]) {
        let ordered = patterns.filter { !$0.isSuccess } + patterns.filter(\.isSuccess)
        var literals: [String] = []
        bits = ordered.map { pattern in
            let number = literals.firstIndex(of: pattern.regex.literal) ?? literals.endIndex
            if number == literals.endIndex { literals.append(pattern.regex.literal) }
            return number < LiteralScan.literalsMax ? 1 << UInt64(number) : 0
        }
        scan = LiteralScan(literals)
        self.patterns = ordered
    }

    /// Looks at one line.
    ///
    /// - Parameter steps: how much may still be done, a step being one instruction of a pattern at one character;
    ///   lessened by what was done.
    package func find(in line: UnsafeRawBufferPointer, steps: inout Int) -> Found {
        let window = UnsafeRawBufferPointer(rebasing: line.prefix(Self.windowBytesMax))
        let present = scan.find(in: window)
        guard present != 0 else { return .nothing }
        return match(window, isWhole: window.count == line.count, present, &steps)
    }

    private func match(
        _ window: UnsafeRawBufferPointer, isWhole: Bool, _ present: UInt64, _ steps: inout Int
    ) -> Found {
        let text = Array(String(decoding: PlainBytes.of(window), as: UTF8.self).unicodeScalars)
        for (pattern, bit) in zip(patterns, bits) where present & bit != 0 {
            switch pattern.regex.first(in: text, isWhole: isWhole, steps: &steps) {
            case .nothing: continue
            case .exhausted: return .exhausted
            case .groups(let groups): return .login(login(text, groups, pattern.isSuccess))
            }
        }
        return .nothing
    }

    private func login(_ text: [Unicode.Scalar], _ groups: [Range<Int>?], _ isSuccess: Bool) -> LoggedLogin {
        func value(_ group: Int) -> String {
            guard let range = groups[group] else { return "" }
            var value = String.UnicodeScalarView()
            value.append(contentsOf: text[range].prefix(Self.nameLengthMax))
            let name = String(value)
            // What Keycloak and access logs write for nobody.
            return name == "-" || name == "null" ? "" : name
        }
        let count = Int(value(2)) ?? 1
        return LoggedLogin(
            account: value(0), address: value(1), isSuccess: isSuccess,
            count: min(max(count, 1), LoginPattern.countMax))
    }
}

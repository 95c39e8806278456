/// Reads text that is meant for customers and says what must not leave the house: names of machines, addresses, secrets
/// and causes that nobody has proven.
package struct MessageLinter: Sendable {
    /// One thing that must not be in the text.
    package struct Problem: Hashable, Sendable {
        /// The words in question; of a secret only its first characters.
        package var words: String
        /// Why not.
        package var reason: String
    }

    /// Names of our own that customers are not to read: subject, workload, pods, instances, nodes, cluster.
    package var innerNames: [String]
    /// Whether the cause is on record: an incident that a person resolved with one.
    package var isCauseProven: Bool

    /// Makes a linter.
    package init(innerNames: [String], isCauseProven: Bool) {
        self.innerNames = innerNames
        self.isCauseProven = isCauseProven
    }

    /// Everything that is wrong with the text, in its order, each word once.
    package func problems(in text: String) -> [Problem] {
        var found: [Problem] = []
        for word in Self.words(text) {
            guard let problem = problem(of: word), !found.contains(problem) else { continue }
            found.append(problem)
        }
        if text.contains("-----BEGIN ") {
            found.append(Problem(words: "-----BEGIN", reason: "is a key or a certificate"))
        }
        return found + causes(text)
    }

    // MARK: Words

    private static let domains = [
        "local", "internal", "intern", "svc", "lan", "corp", "home", "cluster", "intranet", "localdomain", "localhost",
    ]
    private static let secretNames = [
        "password", "passwd", "pwd", "token", "secret", "apikey", "api_key", "api-key", "authorization", "credential",
        "private_key",
    ]
    /// Beginnings of tokens that their makers document: GitHub, Slack, AWS, Google, Stripe.
    private static let secretBeginnings = [
        "ghp_", "gho_", "ghs_", "github_pat_", "xoxb-", "xoxp-", "AKIA", "ASIA", "AIza", "sk_live_", "rk_live_", "eyJ",
    ]

    private func problem(of word: String) -> Problem? {
        let lower = word.lowercased()
        if Self.isAddress(word) { return Problem(words: word, reason: "is a network address") }
        if lower.contains("@"), lower.contains(".") {
            return Problem(words: word, reason: "is a mail address or holds a login")
        }
        if Self.isSecret(word) {
            return Problem(words: "\(word.prefix(4))…", reason: "looks like a secret")
        }
        let host = Self.host(in: lower)
        if let last = host.split(separator: ".").last, host.contains(".") || last == "localhost",
            Self.domains.contains(String(last))
        {
            return Problem(words: word, reason: "is the name of an inner host")
        }
        if let name = innerNames.first(where: { Self.names(lower, $0.lowercased()) }) {
            return Problem(words: word, reason: "names '\(name)', which is ours and no customer's")
        }
        if Self.isGenerated(lower) { return Problem(words: word, reason: "looks like the name of a pod or a node") }
        return nil
    }

    /// Whether the word is the name, or the name is a part of its path or host.
    private static func names(_ word: String, _ name: String) -> Bool {
        guard name.count >= 3 else { return false }
        return word == name || word.split { "/.:@".contains($0) }.contains { $0 == name }
            || (name.contains("/") && word.contains(name))
    }

    /// Words without the punctuation around them.
    private static func words(_ text: String) -> [String] {
        text.split { $0.isWhitespace || "\"'`()<>,;!?*".contains($0) }.map { word in
            var word = word
            while let last = word.last, ".:".contains(last) { word.removeLast() }
            return String(word)
        }.filter { !$0.isEmpty }
    }

    private static func host(in word: String) -> Substring {
        let rest = word.firstRange(of: "://").map { word[$0.upperBound...] } ?? word[...]
        return rest.prefix { !"/:?#".contains($0) }
    }

    /// IPv4 with or without a port, and IPv6 with at least two colons and a hexadecimal group.
    private static func isAddress(_ word: String) -> Bool {
        let host = word.firstRange(of: "://").map { word[$0.upperBound...] } ?? word[...]
        let parts = host.prefix { !"/:".contains($0) }.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) { return true }
        let groups = word.drop { $0 == "[" }.prefix { $0 != "]" && $0 != "%" }
            .split(separator: ":", omittingEmptySubsequences: false)
        let isHex = groups.allSatisfy { $0.count <= 4 && $0.allSatisfy(\.isHexDigit) }
        let hasLetter = word.contains { $0.isHexDigit && $0.isLetter }
        // Three groups of two digits are a time of day.
        return groups.count >= 3 && isHex && (word.contains("::") || groups.count == 8 || hasLetter)
    }

    private static func isSecret(_ word: String) -> Bool {
        let lower = word.lowercased()
        for name in secretNames {
            guard let range = lower.firstRange(of: name) else { continue }
            let rest = lower[range.upperBound...]
            if let sign = rest.first, sign == "=" || sign == ":", rest.count > 1 { return true }
        }
        if secretBeginnings.contains(where: { word.hasPrefix($0) && word.count >= $0.count + 8 }) { return true }
        // Long runs of letters and digits mixed are keys or hashes, not words.
        let runs = word.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "+_=".contains($0))) }
        return runs.contains { run in
            run.count >= 32 && run.contains(where: \.isNumber) && run.contains(where: \.isLetter)
        }
    }

    /// Names that Kubernetes makes: `cart-6d4cf56db6-x7k2p`.
    private static func isGenerated(_ word: String) -> Bool {
        let parts = word.split(separator: "-")
        guard parts.count >= 3, let last = parts.last else { return false }
        // The alphabet of Kubernetes' generated names: no vowels, so that no words come out.
        let alphabet = "bcdfghjklmnpqrstvwxz2456789"
        let hash = parts[parts.count - 2]
        return last.count == 5 && last.allSatisfy(alphabet.contains) && (8...10).contains(hash.count)
            && hash.allSatisfy(alphabet.contains)
    }

    // MARK: Causes

    private static let causal = [
        "because", "due to", "caused by", "root cause", "as a result of", "the reason is", "was triggered by",
        "the culprit",
    ]

    private func causes(_ text: String) -> [Problem] {
        guard !isCauseProven else { return [] }
        let lower = text.lowercased()
        return Self.causal.filter { lower.contains($0) }.map {
            Problem(
                words: $0, reason: "tells a cause, and none is on record: resolve the incident with its cause first")
        }
    }
}

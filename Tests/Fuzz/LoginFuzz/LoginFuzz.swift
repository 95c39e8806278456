import FuzzSupport
import LogText

/// One input: an expression as somebody may configure it, then lines, which all known formats and it are looked for in.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLogins(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let parts = Fuzz.parts(Fuzz.bytes(start, size), countMax: 2)
    let own = try? LoginPattern(String(decoding: parts[0], as: UTF8.self), isSuccess: false)
    let formats = LoginMatcher(LoginPattern.Format.allCases.flatMap(\.patterns))
    let matchers = [formats] + (own.map { [LoginMatcher([$0])] } ?? [])
    for line in (parts.last ?? []).split(separator: 10).prefix(64) {
        let line = Array(line)
        for matcher in matchers {
            let allowed = 200_000
            var steps = allowed
            let found = line.withUnsafeBytes { matcher.find(in: $0, steps: &steps) }
            // What is done at one character comes on top, by each pattern's instructions.
            precondition(steps > -20_000 && steps <= allowed, "\(steps)")
            guard case .login(let login) = found else { continue }
            for name in [login.account, login.address] {
                precondition(name.unicodeScalars.count <= LoginMatcher.nameLengthMax)
                precondition(
                    name.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }, "a control character")
            }
            precondition((1...LoginPattern.countMax).contains(login.count))
            Fuzz.canary(!login.account.isEmpty && !login.address.isEmpty)
        }
    }
    return 0
}

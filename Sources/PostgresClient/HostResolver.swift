import Glibc
import Synchronization

/// Turns names into addresses on a few threads of its own, since `getaddrinfo` blocks as long as a dead name server
/// likes.
///
/// At most `threadsMax` lookups run at once, one a name; a name that hangs holds one thread and no second one.
/// Whoever waits has a deadline of their own and cancels.
final class HostResolver: Sendable {
    /// Addresses in the order to try, or a reason for people.
    typealias Answer = Result<[String], Reason>

    /// Why there are no addresses.
    struct Reason: Error, Hashable {
        var text: String
    }

    private struct State {
        var waiting: [String: [Int: @Sendable (Answer) -> Void]] = [:]
        var queue: [String] = []
        var running: Set<String> = []
        var threads = 0
    }

    private let state = Mutex(State())
    private let threadsMax: Int
    private let namesMax: Int
    private let lookUp: @Sendable (String) -> Answer

    /// Makes a resolver; `lookUp` blocks until it knows.
    init(
        threadsMax: Int = 2, namesMax: Int = 64,
        lookUp: @escaping @Sendable (String) -> Answer = HostResolver.systemLookUp
    ) {
        self.threadsMax = threadsMax
        self.namesMax = namesMax
        self.lookUp = lookUp
    }

    /// Names that are looked up at this moment.
    var runningCount: Int { state.withLock { $0.running.count } }

    /// Asks for a name; `answer` is called once, on a thread of the resolver or before this returns, unless cancelled.
    func resolve(_ name: String, waiter: Int, answer: @escaping @Sendable (Answer) -> Void) {
        let (refused, needsThread) = state.withLock { state -> (Bool, Bool) in
            if state.waiting[name] == nil && state.waiting.count >= namesMax { return (true, false) }
            state.waiting[name, default: [:]][waiter] = answer
            guard !state.running.contains(name) && !state.queue.contains(name) else { return (false, false) }
            state.queue.append(name)
            guard state.threads < threadsMax else { return (false, false) }
            state.threads += 1
            return (false, true)
        }
        if refused { answer(.failure(Reason(text: "too many names wait for the resolver"))) }
        if needsThread && !DedicatedThread.start({ self.work() }) {
            state.withLock { $0.threads -= 1 }
            finish(name, .failure(Reason(text: "no thread for the resolver")))
        }
    }

    /// Forgets a waiter; a name nobody waits for is not looked up any more.
    func cancel(_ name: String, waiter: Int) {
        state.withLock { state in
            state.waiting[name]?[waiter] = nil
            guard state.waiting[name]?.isEmpty == true else { return }
            state.waiting[name] = nil
            state.queue.removeAll { $0 == name }
        }
    }

    /// Looks names up until none is left, then ends the thread.
    private func work() {
        while let name = nextName() {
            finish(name, lookUp(name))
        }
    }

    private func nextName() -> String? {
        state.withLock { state in
            guard !state.queue.isEmpty else {
                state.threads -= 1
                return nil
            }
            let name = state.queue.removeFirst()
            state.running.insert(name)
            return name
        }
    }

    private func finish(_ name: String, _ answer: Answer) {
        let waiters = state.withLock { state in
            state.running.remove(name)
            state.queue.removeAll { $0 == name }
            return state.waiting.removeValue(forKey: name) ?? [:]
        }
        for waiter in waiters.values { waiter(answer) }
    }

    /// Whether the text is an address already and needs no resolver.
    static func isAddress(_ text: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
    }

    /// The system's own lookup: at most four addresses.
    static func systemLookUp(_ name: String) -> Answer {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        guard code == 0 else {
            return .failure(Reason(text: gai_strerror(code).map { String(cString: $0) } ?? "code \(code)"))
        }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next, addresses.count < 4 {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(text.count)
            let known = getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST)
            if known == 0 {
                let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !addresses.contains(address) { addresses.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(Reason(text: "the name has no address")) : .success(addresses)
    }
}

import FlowControl

/// Says what a list+watch client asks for next.
///
/// Pure: what was answered goes in, the next request and the pause before it come out.
///
/// - The list is paged and a consistent read; a page's 410 starts it over. An empty list where objects were known,
///   `items: null` too, is believed when a second list says the same.
/// - The watch goes on from the version of the last line, bookmarks included, over cuts, orderly ends and refusals.
/// - 410, on the watch's head or in its ERROR line, leads back to the list. So do other ERROR lines, silence beyond
///   the idle timeout (bookmarks come once a minute: a version from the future is never answered), a line that cannot
///   be followed, and the third refusal in a row.
/// - Where no bookmarks come, as of events, silence tells nothing: there an orderly end of a watch without a line leads
///   back to the list, which is short when so little happens.
/// - No status is final: rights come and go, tokens rotate and are read again for each request.
struct ListWatchMachine<Object: Decodable> {
    /// What to ask for.
    enum Request: Hashable {
        /// A page of the list: the first, or the one of a token.
        case list(continuing: String?)
        /// The changes since a version.
        case watch(since: String)
    }

    /// A list that came to its end.
    struct Snapshot {
        var objects: [Object]
        var isComplete: Bool
    }

    /// How a watch broke off.
    enum Ending: Hashable {
        /// The server ended it in order.
        case closed
        /// The connection was cut or never stood.
        case cut
        /// Nothing came for too long.
        case silent
        /// The server refused with this status, in its head or in an ERROR line.
        case refused(status: Int, inLine: Bool)
        /// What came could not be read as lines.
        case garbled
    }

    /// Refusals of the same version in a row after which the list is asked for instead.
    static var refusalsMax: Int { 3 }

    private let sendsBookmarks: Bool
    private(set) var request = Request.list(continuing: nil)
    private var backoff: Backoff
    private var pages: [Object] = []
    private var unreadable = 0
    private var sawEmpty = false
    private var refusals = 0
    private var heardOfWatch = false

    /// Makes a client that begins with the list.
    ///
    /// - Parameters:
    ///   - sendsBookmarks: whether the server tells how far a watch is when nothing happens.
    ///   - backoff: the pauses between requests that fail.
    init(sendsBookmarks: Bool, backoff: Backoff = Backoff(base: .milliseconds(200), cap: .seconds(30))) {
        self.sendsBookmarks = sendsBookmarks
        self.backoff = backoff
    }

    /// Takes a page; returns the list when it is whole and believed.
    ///
    /// - Parameter known: how many objects were there by what came before.
    mutating func page(_ page: ObjectPage<Object>, known: Int) -> Snapshot? {
        pages += page.objects
        unreadable += page.unreadable
        if let next = page.next {
            request = .list(continuing: next)
            return nil
        }
        defer { (pages, unreadable) = ([], 0) }
        if pages.isEmpty, known > 0, !sawEmpty {
            sawEmpty = true
            request = .list(continuing: nil)
            return nil
        }
        sawEmpty = false
        request = .watch(since: page.version)
        return Snapshot(objects: pages, isComplete: unreadable == 0)
    }

    /// The list was refused or got no answer.
    ///
    /// A page's token may have expired, so it starts over.
    mutating func listFailed() {
        (pages, unreadable) = ([], 0)
        request = .list(continuing: nil)
    }

    /// A line of the watch had this version.
    ///
    /// Only that ends the growth of pauses: a list that is answered and a watch that is refused in turns must not
    /// become a storm.
    mutating func advanced(to version: String?) {
        backoff.reset()
        refusals = 0
        heardOfWatch = true
        if let version, case .watch = request { request = .watch(since: version) }
    }

    /// The watch is over.
    mutating func ended(_ ending: Ending) {
        defer { heardOfWatch = false }
        switch ending {
        case .closed where !sendsBookmarks && !heardOfWatch: listFailed()
        case .closed, .cut: break
        case .silent, .garbled: listFailed()
        case .refused(let status, let inLine):
            refusals += 1
            // Rights and tokens have nothing to do with the version, so that the list would be refused as well.
            let isOurVersion =
                status == 410 || inLine || (refusals >= Self.refusalsMax && status != 401 && status != 403)
            if isOurVersion {
                refusals = 0
                listFailed()
            }
        }
    }

    /// The pause before the next request.
    ///
    /// After a whole list there is none.
    mutating func pause(using generator: inout some RandomNumberGenerator) -> Duration {
        backoff.next(using: &generator)
    }
}

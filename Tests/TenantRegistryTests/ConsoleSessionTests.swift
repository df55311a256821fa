import Cryptography
import TenantRegistry
import Testing

/// Who is signed in to the console (U4). Its other ends are its key's, and are tested with that.
@Suite struct ConsoleSessionTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)
    private let secret = SHA256.hash("a provider key")

    @Test("U4 a console's session ends after two hours unused, twelve in all, and by signing out")
    func ends() {
        let sessions = ConsoleSessions(since: start)
        let hash = SHA256.hash("a cookie")
        #expect(sessions.secret(behind: hash, at: start) == nil)
        sessions.begin(hash, with: secret, at: start)
        var now = start
        for _ in 0..<6 {
            now = now.adding(seconds: 7_199)
            #expect(sessions.secret(behind: hash, at: now) == secret)
        }
        // Six times nearly two hours: the twelve are close.
        #expect(sessions.isOpen(hash, at: start.adding(seconds: 12 * 3_600 - 1)))
        #expect(!sessions.isOpen(hash, at: start.adding(seconds: 12 * 3_600)))
        sessions.begin(hash, with: secret, at: start)
        // To ask whether it is open is no use of it.
        #expect(sessions.isOpen(hash, at: start.adding(seconds: 7_199)))
        #expect(sessions.secret(behind: hash, at: start.adding(seconds: 7_200)) == nil)
        #expect(!sessions.isOpen(hash, at: start))
        sessions.begin(hash, with: secret, at: start)
        sessions.end(hash)
        #expect(sessions.secret(behind: hash, at: start) == nil)
    }

    @Test("U4 so many sessions are kept; past that the one goes that was used the longest ago")
    func bound() {
        let sessions = ConsoleSessions(since: start)
        let hashes = (0...1_000).map { SHA256.hash("cookie \($0)") }
        for (index, hash) in hashes.enumerated() {
            sessions.begin(hash, with: secret, at: start.adding(seconds: Int64(index)))
        }
        let now = start.adding(seconds: 1_001)
        #expect(!sessions.isOpen(hashes[0], at: now))
        #expect(hashes.dropFirst().allSatisfy { sessions.isOpen($0, at: now) })
    }

    @Test("U4 N5 a node believes a session of another that began after the node did, within two hours")
    func adopts() {
        let cookies = (0..<4).map { SHA256.hash("cookie \($0)") }
        func believes(_ hash: Digest, begunAt: Int64, seenAt: Int64, _ sessions: ConsoleSessions) -> Bool {
            let now = start.adding(seconds: seenAt)
            sessions.adopt(hash, with: secret, begunAt: start.adding(seconds: begunAt), at: now)
            return sessions.secret(behind: hash, at: now) == secret
        }
        let sessions = ConsoleSessions(since: start)
        #expect(believes(cookies[0], begunAt: 0, seenAt: 7_199, sessions))
        #expect(!believes(cookies[1], begunAt: 0, seenAt: 7_200, sessions))
        // It may have been ended while nobody here was told.
        #expect(!believes(cookies[2], begunAt: -1, seenAt: 1, sessions))
        // What is believed goes on as long as it is used, and its twelve hours are those of its beginning.
        for seconds in stride(from: Int64(12_000), to: 43_200, by: 7_000) {
            #expect(believes(cookies[0], begunAt: 0, seenAt: seconds, sessions))
        }
        #expect(!believes(cookies[0], begunAt: 0, seenAt: 43_200, sessions))
        sessions.adopt(cookies[3], with: secret, begunAt: start, at: start)
        sessions.end(cookies[3])
        #expect(!believes(cookies[3], begunAt: 0, seenAt: 1, sessions))
    }

    @Test("U4 N5 a session that is over at another node is over here, whether memory knew it or not")
    func follows() {
        let sessions = ConsoleSessions(since: start)
        let cookies = (0..<4).map { SHA256.hash("cookie \($0)") }
        let end = ConsoleSessions.end(ofBegunAt: start)
        for cookie in cookies { sessions.begin(cookie, with: secret, at: start) }
        let unknown = SHA256.hash("never seen here")
        sessions.follow([cookies[0]: end, unknown: end])
        sessions.end(cookies[1], until: end, at: start)
        for cookie in [cookies[0], cookies[1], unknown] {
            sessions.adopt(cookie, with: secret, begunAt: start, at: start)
            #expect(sessions.secret(behind: cookie, at: start) == nil)
            #expect(!sessions.isOpen(cookie, at: start))
        }
        #expect(sessions.secret(behind: cookies[2], at: start) == secret)
        // What the registry says later is all that there is, with what was ended here meanwhile.
        sessions.follow([cookies[0]: end, cookies[1]: end, unknown: end, cookies[2]: end])
        #expect(cookies.map { sessions.isOpen($0, at: start) } == [false, false, false, true])
    }
}

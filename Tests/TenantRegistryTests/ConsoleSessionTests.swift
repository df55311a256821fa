import Cryptography
import TenantRegistry
import Testing

/// Who is signed in to the console (U4). Its other ends are its key's, and are tested with that.
@Suite struct ConsoleSessionTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)
    private let secret = SHA256.hash("a provider key")

    @Test("U4 a console's session ends after two hours unused, twelve in all, and by signing out")
    func ends() {
        let sessions = ConsoleSessions()
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
        let sessions = ConsoleSessions()
        let hashes = (0...1_000).map { SHA256.hash("cookie \($0)") }
        for (index, hash) in hashes.enumerated() {
            sessions.begin(hash, with: secret, at: start.adding(seconds: Int64(index)))
        }
        let now = start.adding(seconds: 1_001)
        #expect(!sessions.isOpen(hashes[0], at: now))
        #expect(hashes.dropFirst().allSatisfy { sessions.isOpen($0, at: now) })
    }
}

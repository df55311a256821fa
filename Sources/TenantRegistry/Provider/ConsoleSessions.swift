package import Cryptography
import Synchronization

/// Who has signed in to the provider's console, by the hash of what the browser keeps (U4). A session is worth what
/// the secret is that it was begun with: where that opens nothing any more, neither does the session. In memory alone:
/// after a restart the provider signs in again (0048). In a cluster the registry keeps which ones somebody ended, and
/// memory follows it (N5). Any thread.
package final class ConsoleSessions: Sendable {
    private struct Session {
        /// The hash of the provider key's secret.
        let secret: Digest
        let endsAt: Timestamp
        var usedAt: Timestamp
        /// It is over, and is not begun again by what the browser keeps.
        var isEnded = false
    }

    private static let idleSeconds: Int64 = 2 * 3600
    private static let seconds: Int64 = 12 * 3600
    /// The one that was used the longest ago goes when there are more.
    private static let most = 1_000

    private let sessions = Mutex<[Digest: Session]>([:])
    /// Those that somebody ended at any node of a cluster, and when they would have ended by themselves. Asked before
    /// `sessions`, of which one may be begun anew by what a browser keeps.
    private let signOuts = Mutex<[Digest: Timestamp]>([:])
    private let startedAt: Timestamp

    /// `startedAt`: when the process began to hear of sessions.
    package init(since startedAt: Timestamp) { self.startedAt = startedAt }

    package func begin(_ hash: Digest, with secret: Digest, at now: Timestamp) {
        sessions.withLock { sessions in
            if sessions.count >= Self.most {
                sessions = sessions.filter {
                    Self.isOpen($0.value, at: now) || $0.value.isEnded && now < $0.value.endsAt
                }
            }
            if sessions.count >= Self.most, let oldest = sessions.min(by: { $0.value.usedAt < $1.value.usedAt }) {
                sessions[oldest.key] = nil
            }
            sessions[hash] = Session(secret: secret, endsAt: Self.end(ofBegunAt: now), usedAt: now)
        }
    }

    /// A session that was begun at another node of the cluster; nothing where it is known here, or over. For one that
    /// is older than this process the provider signs in again, as after any restart, and for one that is first seen
    /// here after its idle hours, as it may have been idle all the time.
    package func adopt(_ hash: Digest, with secret: Digest, begunAt: Timestamp, at now: Timestamp) {
        guard startedAt <= begunAt, now < begunAt.adding(seconds: Self.idleSeconds),
            !isSignedOut(hash), !sessions.withLock({ $0[hash] != nil })
        else { return }
        begin(hash, with: secret, at: now)
        sessions.withLock { sessions in
            if let known = sessions[hash] {
                sessions[hash] = Session(
                    secret: secret, endsAt: Self.end(ofBegunAt: begunAt), usedAt: known.usedAt)
            }
        }
    }

    /// The hash of the secret behind a session, which is used now; nil where it is over.
    package func secret(behind hash: Digest, at now: Timestamp) -> Digest? {
        if isSignedOut(hash) { return nil }
        return sessions.withLock { sessions in
            guard let session = sessions[hash] else { return nil }
            guard Self.isOpen(session, at: now) else {
                sessions[hash]?.isEnded = true
                return nil
            }
            sessions[hash]?.usedAt = max(session.usedAt, now)
            return session.secret
        }
    }

    /// Whether it goes on; asking does not use it.
    package func isOpen(_ hash: Digest, at now: Timestamp) -> Bool {
        !isSignedOut(hash) && sessions.withLock { $0[hash].map { Self.isOpen($0, at: now) } ?? false }
    }

    /// It is remembered until it would have ended by itself.
    package func end(_ hash: Digest) { sessions.withLock { $0[hash]?.isEnded = true } }

    /// The registry has that it is over. `end`: when it would have ended by itself.
    package func end(_ hash: Digest, until end: Timestamp, at now: Timestamp) {
        signOuts.withLock { signOuts in
            signOuts = signOuts.filter { now < $0.value }
            signOuts[hash] = end
        }
    }

    /// All that the registry has of sessions that are over.
    package func follow(_ ended: [Digest: Timestamp]) { signOuts.withLock { $0 = ended } }

    /// When one that was begun then ends by itself at the latest.
    package static func end(ofBegunAt begunAt: Timestamp) -> Timestamp { begunAt.adding(seconds: seconds) }

    private func isSignedOut(_ hash: Digest) -> Bool { signOuts.withLock { $0[hash] != nil } }

    private static func isOpen(_ session: Session, at now: Timestamp) -> Bool {
        !session.isEnded && now < session.endsAt && now < session.usedAt.adding(seconds: idleSeconds)
    }
}

import Synchronization

/// Which reads that a page repeats by itself have their record of this minute, so that whoever watches it leaves one
/// record a minute (O6).
///
/// Invariant: what is here was appended to the read log in the minute that is kept. Bounded: past `readsMax` it starts
/// anew, which costs a record more. Any thread.
package final class WatchedReads: Sendable {
    package static let readsMax = 256
    private static let minuteMilliseconds: Int64 = 60_000

    /// Whose read it is, and of what.
    package struct Read: Hashable, Sendable {
        private let keyID: Int64
        private let path: String

        package init(keyID: Int64, path: String) {
            self.keyID = keyID
            self.path = path
        }
    }

    private struct Kept {
        var minute: Int64 = 0
        var reads: Set<Read> = []
    }

    private let kept = Mutex(Kept())

    init() {}

    /// Whether a record tells of it in the minute of `now`.
    package func has(_ read: Read, at now: Timestamp) -> Bool {
        let minute = Self.minute(of: now)
        return kept.withLock { $0.minute == minute && $0.reads.contains(read) }
    }

    /// Its record has been appended.
    package func note(_ read: Read, at now: Timestamp) {
        let minute = Self.minute(of: now)
        kept.withLock { kept in
            if kept.minute != minute || kept.reads.count >= Self.readsMax { kept = Kept(minute: minute) }
            kept.reads.insert(read)
        }
    }

    private static func minute(of time: Timestamp) -> Int64 { time.milliseconds.dividedDown(by: minuteMilliseconds) }
}

import Glibc
import Synchronization

/// A clock that may have been ahead since before a start: it had nothing in it that it could be found to leap from
/// (0068). What goes by the time of day stays until the node has run for a day, in which a person could see it.
///
/// A file says so, since the next start finds what the wrong clock wrote. It is as long as hours have passed, by the
/// steady clock, so that a node that is started each night comes to the end of it too. Any thread.
final class ClockDoubt: Sendable {
    private static let name = "clock.doubted"
    private static let hours: UInt64 = 24
    private static let hourNanoseconds: UInt64 = 3_600_000_000_000
    /// A time that a start finds further behind the clock was before an idle time, or the clock is ahead.
    private static let daysMax: Int64 = 1

    private let folder: String
    private var path: String { Self.path(in: folder) }
    private let steady: any MonotonicClock
    private let begins: UInt64
    /// How many had passed before this start.
    private let hoursBefore: UInt64
    /// How many the file says; nil: it could not be written yet.
    private let hoursNoted: Mutex<UInt64?>

    /// Nil: the clock is believed. `last`: what is known to have been written last; nil where nothing was. `folder` is
    /// there.
    init?(in folder: String, now: Timestamp, last: Timestamp?, steady: any MonotonicClock) {
        self.folder = folder
        self.steady = steady
        begins = steady.nanoseconds()
        let known = DataDirectory.size(of: Self.path(in: folder))
        hoursBefore = min(UInt64(known ?? 0), Self.hours)
        hoursNoted = Mutex(known == nil ? nil : hoursBefore)
        if known != nil { return }
        guard let last, last.milliseconds > 0, last < now.adding(days: -Self.daysMax) else { return nil }
        note()
    }

    private static func path(in folder: String) -> String { "\(folder)/\(name)" }

    /// There is nothing in the folder that a clock could take away: what a start found there once says nothing of what
    /// comes there later.
    static func drop(in folder: String) { DataDirectory.remove(path(in: folder)) }

    /// Since the first start that found it.
    private var hoursPassed: UInt64 { hoursBefore + (steady.nanoseconds() - begins) / Self.hourNanoseconds }

    /// How many it still stands for; 0: it is over.
    var hoursLeft: UInt64 { Self.hours - min(hoursPassed, Self.hours) }

    /// Writes down what has passed; what cannot be written is tried again the next time. Now and then.
    func note() {
        hoursNoted.withLock { noted in
            let passed = hoursPassed
            if passed >= Self.hours { return DataDirectory.remove(path) }
            if let noted, passed <= noted { return }
            let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return }
            defer { close(file) }
            guard ftruncate(file, Int(passed)) == 0, fsync(file) == 0 else { return }
            if (try? DataDirectory.synchronise(folder: folder)) != nil { noted = passed }
        }
    }
}

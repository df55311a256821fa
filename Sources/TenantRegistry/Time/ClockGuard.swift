import Foundation
import Synchronization

/// Watches the time of day against the clock that never jumps. A leap ahead that no summer time and no tired crystal
/// explains would charge for time that has not passed: what cannot be taken back waits for a person (0030). Any thread.
package final class ClockGuard: Sendable {
    private struct State {
        /// Time of day less the steady clock, in milliseconds, when both were last believed.
        var difference: Int64?
        var leap: Int64?
        /// The file is there.
        var isNoted = false
    }

    private let state: Mutex<State>
    /// Nil: every time of day is believed.
    private let leapMaxMilliseconds: Int64?
    private let path: String?
    /// The process before this one ended while a leap was not believed. What it put off by that time is not known here.
    package let beganInLeap: Bool

    /// `path`: of a file that is there while a leap is not believed, and has the time that was: a start in between
    /// believes it no more than the one before.
    package init(leapHoursMax: Int, path: String? = nil, steady nanoseconds: UInt64 = 0) {
        leapMaxMilliseconds = leapHoursMax > 0 ? Int64(leapHoursMax) * 3_600_000 : nil
        self.path = path
        let known = path.flatMap { try? DataDirectory.contents(of: $0) }
        beganInLeap = known != nil
        var state = State(isNoted: known != nil)
        if let path, leapMaxMilliseconds == nil {
            DataDirectory.remove(path)
        } else if let before = known.flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }), before > 0 {
            state.difference = before - Int64(nanoseconds / 1_000_000)
        }
        self.state = Mutex(state)
    }

    /// How far the time of day has leapt ahead since it was last believed; nil while it is believed.
    package var leapMilliseconds: Int64? { state.withLock { $0.leap } }

    /// Whether the time of day is believed as the two clocks are now, though nobody may have looked since it leapt.
    package func believes(_ now: Timestamp, steady nanoseconds: UInt64) -> Bool {
        guard let leapMaxMilliseconds else { return true }
        let difference = now.milliseconds - Int64(nanoseconds / 1_000_000)
        return state.withLock { state in
            state.leap == nil && difference - (state.difference ?? difference) <= leapMaxMilliseconds
        }
    }

    /// What the two clocks say now. Returns whether the answer of `leapMilliseconds` changed from or to nil.
    @discardableResult
    package func look(_ now: Timestamp, steady nanoseconds: UInt64) -> Bool {
        guard let leapMaxMilliseconds else { return false }
        let difference = now.milliseconds - Int64(nanoseconds / 1_000_000)
        return state.withLock { state in
            let before = state.leap != nil
            let ahead = difference - (state.difference ?? difference)
            if ahead > leapMaxMilliseconds {
                state.leap = ahead
            } else {
                state.leap = nil
                // One that falls far back is believed again where it comes back to.
                if ahead >= -leapMaxMilliseconds { state.difference = difference }
            }
            note(&state, now)
            return before != (state.leap != nil)
        }
    }

    /// The operator says that the time of day is right as it is. Returns how far it had leapt.
    package func accept(_ now: Timestamp, steady nanoseconds: UInt64) -> Int64? {
        state.withLock { state in
            let leap = state.leap
            state.leap = nil
            state.difference = now.milliseconds - Int64(nanoseconds / 1_000_000)
            note(&state, now)
            return leap
        }
    }

    /// What cannot be written is tried again at the next look. The file is there whole or not at all: one without a
    /// time would have the next start believe any.
    private func note(_ state: inout State, _ now: Timestamp) {
        guard let path, state.isNoted != (state.leap != nil) else { return }
        if let leap = state.leap {
            let believed = Array("\(now.milliseconds - leap)".utf8)
            let folder = (path as NSString).deletingLastPathComponent
            state.isNoted = (try? DataDirectory.writePrivately(believed, to: path, in: folder)) != nil
        } else {
            DataDirectory.remove(path)
            state.isNoted = false
        }
    }
}

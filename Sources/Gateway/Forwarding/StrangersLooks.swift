import HTTPClient
import Synchronization

/// What other nodes committed, as calls ask for it that name what is not known here: a domain, a slug, a key. Anybody
/// can send those, each with another name. So they share a look, and from the beginning of one to the next's some time
/// goes by, however many come: a flood costs the log one short question at a time, and so many a second. Nothing is
/// remembered of what was not there: each call sees what was committed before it came. Any thread.
final class StrangersLooks: Sendable {
    static let pauseMilliseconds: UInt64 = 10

    private struct State {
        var waiting: [@Sendable (_ succeeded: Bool) -> Void] = []
        /// Whether the last look began less than a pause ago.
        var isPausing = false
    }

    private let placement: any Placement
    private let client: PeerClient
    private let state = Mutex(State())

    /// `client`: whose thread waits.
    init(_ placement: any Placement, _ client: PeerClient) { (self.placement, self.client) = (placement, client) }

    /// As `Placement.catchUp`, in its turn. Who waits holds a connection, of which there is a bound. Returns at once.
    func catchUp(then: @escaping @Sendable (_ succeeded: Bool) -> Void) {
        let begins = state.withLock { state in
            state.waiting.append(then)
            defer { state.isPausing = true }
            return !state.isPausing
        }
        if begins { look() }
    }

    private func look() {
        let waiters = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        placement.catchUp { succeeded in
            for then in waiters { then(succeeded) }
        }
        client.after(milliseconds: Self.pauseMilliseconds) { [self] in
            let goesOn = state.withLock { state in
                state.isPausing = !state.waiting.isEmpty
                return state.isPausing
            }
            if goesOn { look() }
        }
    }
}

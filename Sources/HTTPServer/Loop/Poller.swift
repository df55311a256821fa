import CLinux
import Glibc

/// One epoll descriptor. Sockets of connections are watched edge-triggered for both directions, once, so that a
/// connection costs no further `epoll_ctl`; listeners and the wake-up are level-triggered. Owned by one loop.
struct Poller: ~Copyable {
    static let eventsMax = 256

    private let fd: Int32
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(ServerError) {
        fd = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard fd >= 0 else { throw .system("epoll_create1", errno) }
        events = .allocate(capacity: Self.eventsMax)
    }

    deinit {
        Socket.close(fd)
        events.deallocate()
    }

    /// False where the kernel has no memory for it.
    func watchConnection(_ connection: Int32, token: UInt64) -> Bool {
        let flags = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        return add(connection, flags, token)
    }

    func watchReadable(_ source: Int32, token: UInt64) -> Bool { add(source, EPOLLIN.rawValue, token) }

    /// Where other loops watch the same socket: a client that waits wakes one of them rather than all.
    func watchShared(_ source: Int32, token: UInt64) -> Bool {
        add(source, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue, token)
    }

    func forget(_ source: Int32) {
        var event = epoll_event()
        _ = epoll_ctl(fd, EPOLL_CTL_DEL, source, &event)
    }

    private func add(_ source: Int32, _ flags: UInt32, _ token: UInt64) -> Bool {
        var event = epoll_event()
        event.events = flags
        event.data.u64 = token
        return epoll_ctl(fd, EPOLL_CTL_ADD, source, &event) == 0
    }

    /// Waits at most `milliseconds` (−1: for ever) and hands over each event.
    func wait(milliseconds: Int32) -> Int {
        max(0, Int(epoll_wait(fd, events, Int32(Self.eventsMax), milliseconds)))
    }

    func event(_ index: Int) -> (flags: PollFlags, token: UInt64) {
        (PollFlags(rawValue: events[index].events), events[index].data.u64)
    }
}

struct PollFlags: OptionSet {
    let rawValue: UInt32
    static let readable = PollFlags(rawValue: EPOLLIN.rawValue)
    static let writable = PollFlags(rawValue: EPOLLOUT.rawValue)
    /// The peer sends no more.
    static let halfClosed = PollFlags(rawValue: EPOLLRDHUP.rawValue)
    /// Reset, or closed in both directions.
    static let gone = PollFlags(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
}

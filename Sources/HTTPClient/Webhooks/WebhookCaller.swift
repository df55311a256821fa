import CCurl
import Foundation
package import HTTPCore
import Synchronization

/// Sends webhooks, thousands at once on a thread of its own, by libcurl's multi interface and epoll: a pass costs what
/// has something to do, however many wait for an answer. Who may send how many at once is not its affair.
///
/// Connections stay open for the next call of the same host and port, as many as were ever needed at once there;
/// sessions of TLS are kept by host and port. Names are looked up by `Resolver`, never by libcurl, whose look-ups are
/// threads.
///
/// Invariant: each call that `send` took is answered once, on the caller's thread; when it is closed, with
/// `interrupted`.
///
/// `@unchecked Sendable`: everything but `inbox` and `poll.wake` is the thread's own.
package final class WebhookCaller: @unchecked Sendable {
    package typealias Then = @Sendable (WebhookResult) -> Void
    package typealias Found = @Sendable ([IPAddress]?) -> Void
    /// Called once a pass where its time has come, with the milliseconds of `monotonic`; says when it is to be called
    /// next. Must not block.
    package typealias Tick = @Sendable (Int64) -> Int64

    /// Handles that wait for a call; the others are freed.
    private static let idleHandlesMax = 256
    /// Connections that wait for a call, beyond those in use.
    private static let idleConnectionsMax = 512
    /// libcurl keeps eight sessions in a share: hosts are spread over so many of them.
    private static let sharesCount = 64
    private static let waitMillisecondsMax: Int64 = 1_000
    private static let findMilliseconds: Int64 = 2_000
    private static let namesMax = 256
    /// What libcurl was told of a name is told again, before it forgets it after a minute.
    private static let toldMilliseconds: Int64 = 30_000
    private static let toldMax = 20_000

    private struct Inbox {
        var new: [(WebhookCall, Then)] = []
        var names: [(String, Found)] = []
        var tickAt: Int64 = 0
        var isWaiting = false
        var isClosed = false
    }

    private struct Told {
        let addresses: [IPAddress]
        let at: Int64
    }

    private let inbox = Mutex(Inbox())
    private let poll: Poll
    private let multi: UnsafeMutableRawPointer
    private let resolver: Resolver
    private let authorities: String?
    private let ended = DispatchSemaphore(value: 0)
    private let shares: [UnsafeMutableRawPointer?]
    private var idle: [WebhookHandle] = []
    private var running: [UnsafeMutableRawPointer: WebhookHandle] = [:]
    private var finding: [ObjectIdentifier: WebhookHandle] = [:]
    private var told: [String: Told] = [:]
    /// Who waits for a name alone, and until when.
    private var asked: [Int: (until: Int64, then: Found)] = [:]
    private var lastAsked = 0
    /// When libcurl wants to be asked again.
    private var timerAt = Int64.max

    /// `callsMax`: how many will be under way at once.
    /// `authorities`: a file of certificates that receivers are trusted by, in place of those of the machine.
    package init(
        callsMax: Int, nameServers: [NameServer] = [], authorities: String? = nil
    ) throws(HTTPClientError) {
        guard CurlLibrary.isStarted, let multi = curl_multi_init(), let poll = Poll() else {
            throw .broken("libcurl does not start")
        }
        self.multi = multi
        self.poll = poll
        self.authorities = authorities
        resolver = Resolver(poll: poll, servers: nameServers)
        shares = (0..<Self.sharesCount).map { _ in curl_share_init() }
        for share in shares { _ = tollgate_curl_share_sessions(share) }
        tollgate_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, callsMax + Self.idleConnectionsMax)
        // One connection carries one call at a time: one that hangs delays no other.
        tollgate_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        let context = Unmanaged.passUnretained(self).toOpaque()
        tollgate_curl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        tollgate_curl_multi_on_socket(multi) { _, socket, what, context, _ in
            WebhookCaller.caller(of: context)?.watch(socket, what)
            return 0
        }
        tollgate_curl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        tollgate_curl_multi_on_timer(multi) { _, milliseconds, context in
            WebhookCaller.caller(of: context)?.setTimer(milliseconds)
            return 0
        }
    }

    /// Starts the thread. Once.
    package func start(tick: @escaping Tick) {
        let thread = Thread { [self] in
            Thread.current.name = "webhooks"
            run(tick)
            ended.signal()
        }
        thread.start()
    }

    /// Sends them all. Any thread.
    package func send(_ calls: [(WebhookCall, Then)]) {
        guard !calls.isEmpty else { return }
        let (wakes, isClosed) = inbox.withLock { inbox in
            if inbox.isClosed { return (false, true) }
            inbox.new += calls
            defer { inbox.isWaiting = false }
            return (inbox.isWaiting, false)
        }
        if wakes { poll.wake() }
        if isClosed { for (_, then) in calls { then(WebhookResult(.interrupted, milliseconds: 0)) } }
    }

    /// The addresses that a name stands for, none where there is no such name; nil where nobody says so in
    /// `findMilliseconds`. `then` must not block. Any thread.
    package func find(_ name: String, then: @escaping Found) {
        let (wakes, isClosed) = inbox.withLock { inbox in
            if inbox.isClosed || inbox.names.count >= Self.namesMax { return (false, true) }
            inbox.names.append((name, then))
            defer { inbox.isWaiting = false }
            return (inbox.isWaiting, false)
        }
        if wakes { poll.wake() }
        if isClosed { then(nil) }
    }

    /// The tick is to come no later than then. Any thread.
    package func tick(by time: Int64) {
        let wakes = inbox.withLock { inbox in
            guard time < inbox.tickAt else { return false }
            inbox.tickAt = time
            defer { inbox.isWaiting = false }
            return inbox.isWaiting
        }
        if wakes { poll.wake() }
    }

    /// Ends the thread; what still runs is given up. Blocks until it has ended.
    package func close() {
        let isFirst = inbox.withLock { inbox in
            defer { inbox.isClosed = true }
            return !inbox.isClosed
        }
        guard isFirst else { return }
        poll.wake()
        ended.wait()
    }

    /// Milliseconds of a clock that never goes back.
    package static func monotonic() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }

    // MARK: The thread

    private func run(_ tick: Tick) {
        while true {
            let now = Self.monotonic()
            let (new, names, ticks, isClosed) = inbox.withLock { inbox in
                defer {
                    inbox.new.removeAll(keepingCapacity: inbox.new.count < Self.idleHandlesMax)
                    inbox.names.removeAll()
                }
                let ticks = inbox.tickAt <= now
                if ticks { inbox.tickAt = .max }
                return (inbox.new, inbox.names, ticks, inbox.isClosed)
            }
            if isClosed { return giveUp(new, names) }
            for (name, then) in names { find(name, now: now, then) }
            answerLate(now: now)
            for (call, then) in new { start(call, then, now: now) }
            if ticks { self.tick(by: tick(now)) }
            perform(now: now)
            resolver.runTimers(now: now)
            finishDone()
            wait()
        }
    }

    private func perform(now: Int64) {
        guard now >= timerAt else { return }
        timerAt = .max
        act(on: CURL_SOCKET_BAD, 0)
    }

    private func wait() {
        let now = Self.monotonic()
        let pace = asked.isEmpty ? Self.waitMillisecondsMax : Self.waitMillisecondsMax / 10
        let next = min(timerAt, resolver.nextTimer, now + pace)
        let until = inbox.withLock { inbox in
            guard inbox.new.isEmpty, inbox.names.isEmpty, !inbox.isClosed else { return now }
            inbox.isWaiting = true
            return min(next, inbox.tickAt)
        }
        poll.wait(milliseconds: Int32(max(0, until - now))) { ready in
            if resolver.owns(ready.socket) { return resolver.ready(ready.socket, now: Self.monotonic()) }
            let reads = ready.reads ? CURL_CSELECT_IN : 0
            let writes = ready.writes ? CURL_CSELECT_OUT : 0
            act(on: ready.socket, reads | writes | (ready.failed ? CURL_CSELECT_ERR : 0))
        }
        inbox.withLock { $0.isWaiting = false }
        finishDone()
    }

    private func start(_ call: WebhookCall, _ then: @escaping Then, now: Int64) {
        let handle: WebhookHandle
        do throws(HTTPClientError) {
            if let last = idle.popLast() { handle = last } else { handle = try WebhookHandle(authorities: authorities) }
        } catch {
            return then(WebhookResult(.interrupted, milliseconds: 0))
        }
        do throws(HTTPClientError) {
            try handle.take(call, startedAt: now, then: then)
        } catch {
            return end(handle, .unreadable)
        }
        guard case .name(let name) = call.address.host else { return connect(handle, to: nil) }
        finding[ObjectIdentifier(handle)] = handle
        resolver.find(name, now: now) { [self] found in
            finding[ObjectIdentifier(handle)] = nil
            switch found {
            case .unanswered, .addresses([]): end(handle, .dns)
            case .hindered: end(handle, .interrupted)
            // One that may not be called spoils all: which one is connected to is not the caller's choice.
            case .addresses(let addresses) where !addresses.allSatisfy(call.addressRule.allows):
                end(handle, .addressRefused)
            case .addresses(let addresses): connect(handle, to: addresses)
            }
        }
    }

    /// Hands it to libcurl. `addresses`: those that were found for the host's name.
    private func connect(_ handle: WebhookHandle, to addresses: [IPAddress]?) {
        guard let call = handle.call else { return }
        let now = Self.monotonic()
        var tells = false
        do throws(HTTPClientError) {
            try handle.easy.set(CURLOPT_SHARE, share(of: call.address))
            if let addresses { tells = try tell(handle, call, addresses, now: now) }
            try handle.limit(now: now)
        } catch {
            return end(handle, .interrupted)
        }
        guard curl_multi_add_handle(multi, handle.easy.pointer) == CURLM_OK else { return end(handle, .interrupted) }
        running[handle.easy.pointer] = handle
        // libcurl takes the addresses over before another call counts on them.
        if tells { act(on: CURL_SOCKET_BAD, 0) }
    }

    /// Sessions of TLS are a host's and port's, whatever is called there.
    private func share(of address: WebAddress) -> UnsafeMutableRawPointer? {
        var hasher = Hasher()
        hasher.combine(address.host)
        hasher.combine(address.port)
        return shares[Int(UInt(bitPattern: hasher.finalize()) % UInt(Self.sharesCount))]
    }

    private func act(on socket: curl_socket_t, _ what: Int32) {
        var left: Int32 = 0
        curl_multi_socket_action(multi, socket, what, &left)
    }

    /// libcurl knows the name's addresses for a minute, under the spelling that stands in the URL.
    private func tell(
        _ handle: WebhookHandle, _ call: WebhookCall, _ addresses: [IPAddress], now: Int64
    ) throws(HTTPClientError) -> Bool {
        let place = "\(WebAddress.spelledName(in: call.url)):\(call.address.port)"
        if let told = told[place], told.addresses == addresses, now - told.at < Self.toldMilliseconds { return false }
        let list = addresses.map { $0.isIPv4 ? "\($0)" : "[\($0)]" }.joined(separator: ",")
        try handle.easy.resolve("+\(place):\(list)")
        if told.count >= Self.toldMax { told.removeAll() }
        told[place] = Told(addresses: addresses, at: now)
        return true
    }

    private func finishDone() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let pointer = message.pointee.easy_handle else { continue }
            // The message is libcurl's, and gone with the next call.
            let code = message.pointee.data.result
            guard let handle = running.removeValue(forKey: pointer) else { continue }
            curl_multi_remove_handle(multi, pointer)
            end(handle, handle.ending(code))
        }
    }

    private func end(_ handle: WebhookHandle, _ ending: WebhookResult.Ending) {
        if idle.count < Self.idleHandlesMax { idle.append(handle) }
        handle.finish(ending, now: Self.monotonic())
    }

    private func find(_ name: String, now: Int64, _ then: @escaping Found) {
        lastAsked += 1
        let number = lastAsked
        asked[number] = (now + Self.findMilliseconds, then)
        resolver.find(name, now: now) { [self] found in
            guard let (_, then) = asked.removeValue(forKey: number) else { return }
            if case .addresses(let addresses) = found { then(addresses) } else { then(nil) }
        }
    }

    private func answerLate(now: Int64) {
        for (number, (until, then)) in asked where until <= now {
            asked[number] = nil
            then(nil)
        }
    }

    private func giveUp(_ new: [(WebhookCall, Then)], _ names: [(String, Found)]) {
        for (_, then) in names { then(nil) }
        for (_, then) in asked.values { then(nil) }
        asked = [:]
        resolver.close()
        for handle in finding.values { handle.finish(.interrupted, now: Self.monotonic()) }
        for handle in running.values {
            curl_multi_remove_handle(multi, handle.easy.pointer)
            handle.finish(.interrupted, now: Self.monotonic())
        }
        for (_, then) in new { then(WebhookResult(.interrupted, milliseconds: 0)) }
        finding = [:]
        running = [:]
        idle = []
        curl_multi_cleanup(multi)
        for share in shares { curl_share_cleanup(share) }
    }

    // MARK: What libcurl asks for

    private static func caller(of context: UnsafeMutableRawPointer?) -> WebhookCaller? {
        context.map { Unmanaged<WebhookCaller>.fromOpaque($0).takeUnretainedValue() }
    }

    private func watch(_ socket: curl_socket_t, _ what: Int32) {
        switch what {
        case CURL_POLL_REMOVE: poll.forget(socket)
        default:
            poll.watch(
                socket, reads: what & CURL_POLL_IN != 0, writes: what & CURL_POLL_OUT != 0)
        }
    }

    private func setTimer(_ milliseconds: Int) {
        timerAt = milliseconds < 0 ? .max : Self.monotonic() + Int64(milliseconds)
    }
}

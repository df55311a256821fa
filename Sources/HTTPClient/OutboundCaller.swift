import CCurl
import Foundation
import HTTPCore
import Synchronization

/// Calls to others' services, many at once on one thread of its own, by libcurl's multi interface: a service that does
/// not answer holds up nobody but its own group's calls. A public host's name is looked up by `Resolver`, so that all
/// its addresses are judged before one is called (H6).
///
/// Invariant: each call that `send` took is answered once, on the caller's thread or, when it is closed, with `broken`.
/// At most `groupRunningMax` calls of a group run at once, the next ones wait in the order they came. How many there
/// may be is for whoever sends to say: each holds a place of a budget.
///
/// `@unchecked Sendable`: `multi` may be woken from any thread; it and `groups`, `finding`, `running`, `pausing` are
/// the thread's own otherwise, as the resolver is. `inbox` is behind its lock.
package final class OutboundCaller: @unchecked Sendable {
    package typealias Completion = @Sendable (Result<HTTPClientResponse, HTTPClientError>) -> Void

    /// Of one group, say a tenant, where nothing else is said.
    package static let groupRunningMax = 8
    /// The thread looks at its inbox at least so often.
    private static let pollMillisecondsMax = 1_000

    private struct Inbox {
        var new: [OutboundTask] = []
        var isClosed = false
    }

    private struct Group {
        var running = 0
        var waiting: [OutboundTask] = []
    }

    private let groupRunningMax: Int
    private let inbox = Mutex(Inbox())
    private let multi: UnsafeMutableRawPointer
    private let ended = DispatchSemaphore(value: 0)
    private let poll: Poll
    private let resolver: Resolver
    private var groups: [String: Group] = [:]
    /// Calls whose host's name is being looked up, and until when.
    private var finding: [Int: (task: OutboundTask, until: Int64)] = [:]
    private var lookups = 0
    private var running: [UnsafeMutableRawPointer: OutboundAttempt] = [:]
    private var pausing: [OutboundTask] = []

    /// `thread`: its name. Each caller has its own thread and its own room: what one sends waits for no other.
    package init(
        thread name: String = "outbound", groupRunningMax: Int = OutboundCaller.groupRunningMax
    ) throws(HTTPClientError) {
        guard CurlLibrary.isStarted, let multi = curl_multi_init() else { throw .broken("libcurl does not start") }
        guard let poll = Poll() else { throw .broken("there is no descriptor left") }
        self.groupRunningMax = groupRunningMax
        self.multi = multi
        self.poll = poll
        resolver = Resolver(poll: poll, servers: [])
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Sends when the group's turn comes; false once it is closed, and then `then` is not called. It must not block.
    package func send(_ call: OutboundCall, group: String, then: @escaping Completion) -> Bool {
        let task = OutboundTask(call: call, group: group, now: WebhookCaller.monotonic(), then: then)
        let isTaken = inbox.withLock { inbox in
            if inbox.isClosed { return false }
            inbox.new.append(task)
            return true
        }
        if isTaken { curl_multi_wakeup(multi) }
        return isTaken
    }

    /// Ends the thread; what still runs is given up. Blocks until it has ended.
    package func close() {
        let isFirst = inbox.withLock { inbox in
            defer { inbox.isClosed = true }
            return !inbox.isClosed
        }
        guard isFirst else { return }
        curl_multi_wakeup(multi)
        ended.wait()
        curl_multi_cleanup(multi)
    }

    // MARK: The thread

    private func run() {
        while true {
            let (new, isClosed) = inbox.withLock { inbox in
                defer { inbox.new = [] }
                return (inbox.new, inbox.isClosed)
            }
            if isClosed { return giveUp(new) }
            for task in new { wait(task) }
            resumePaused()
            for group in groups.keys { startNext(of: group) }
            var left: Int32 = 0
            curl_multi_perform(multi, &left)
            finishDone()
            waitForNews()
        }
    }

    private func waitForNews() {
        var names = curl_waitfd(fd: poll.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        curl_multi_poll(multi, &names, 1, Int32(untilNextTimer()), nil)
        poll.wait(milliseconds: 0) { ready in resolver.ready(ready.socket, now: WebhookCaller.monotonic()) }
        let now = WebhookCaller.monotonic()
        resolver.runTimers(now: now)
        for (number, lookup) in finding where lookup.until <= now {
            finding[number] = nil
            end(lookup.task, .failure(.timedOut))
        }
    }

    private func wait(_ task: OutboundTask) { groups[task.group, default: Group()].waiting.append(task) }

    private func startNext(of name: String) {
        while let group = groups[name], group.running < groupRunningMax, let task = group.waiting.first {
            groups[name]?.waiting.removeFirst()
            start(task)
        }
        if let group = groups[name], group.running == 0, group.waiting.isEmpty { groups[name] = nil }
    }

    private func start(_ task: OutboundTask) {
        let now = WebhookCaller.monotonic()
        guard now < task.deadline else { return answer(task, .failure(.timedOut)) }
        groups[task.group, default: Group()].running += 1
        guard task.call.addressRule == .publicOnly, let address = WebAddress(parsing: task.call.url),
            case .name(let name) = address.host
        else { return connect(task, to: nil) }
        lookups += 1
        let number = lookups
        finding[number] = (task, min(task.deadline, now + Int64(task.call.connectMilliseconds)))
        resolver.find(name, now: now) { [self] found in
            guard finding.removeValue(forKey: number) != nil else { return }
            switch found {
            // One that may not be called spoils all: which one is connected to is not the caller's choice.
            case .addresses(let all) where !all.allSatisfy(task.call.addressRule.allows):
                end(task, .failure(.addressNotAllowed))
            case .addresses(let all) where !all.isEmpty:
                let list = all.map { $0.isIPv4 ? "\($0)" : "[\($0)]" }.joined(separator: ",")
                // Under the spelling of the URL, in which libcurl looks for it.
                connect(task, to: "+\(WebAddress.spelledName(in: task.call.url)):\(address.port):\(list)")
            // The machine may know it from elsewhere. What it then says is judged at the connection.
            case .addresses, .unanswered, .hindered: connect(task, to: nil)
            }
        }
    }

    /// `addresses`: the host's, as libcurl takes them; nil where it is to look for them itself.
    private func connect(_ task: OutboundTask, to addresses: String?) {
        let left = task.deadline - WebhookCaller.monotonic()
        guard left > 0 else { return end(task, .failure(.timedOut)) }
        do throws(HTTPClientError) {
            let attempt = try OutboundAttempt(task, milliseconds: Int(left))
            if let addresses { try attempt.easy.resolve(addresses) }
            guard curl_multi_add_handle(multi, attempt.easy.pointer) == CURLM_OK else { throw .broken("no memory") }
            running[attempt.easy.pointer] = attempt
        } catch {
            groups[task.group]?.running -= 1
            answer(task, .failure(error))
        }
    }

    private func finishDone() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let pointer = message.pointee.easy_handle else { continue }
            // The message is libcurl's, and gone with the next call.
            let code = message.pointee.data.result
            guard let attempt = running.removeValue(forKey: pointer) else { continue }
            curl_multi_remove_handle(multi, pointer)
            end(attempt.task, attempt.result(code))
        }
    }

    /// An attempt is over.
    private func end(_ task: OutboundTask, _ result: Result<HTTPClientResponse, HTTPClientError>) {
        groups[task.group]?.running -= 1
        var task = task
        task.attempts += 1
        let pause = Int64(task.call.pauseMilliseconds << (task.attempts - 1))
        let next = WebhookCaller.monotonic() + pause
        guard OutboundCall.isWorthAnother(result), task.attempts < task.call.attemptsMax, next < task.deadline else {
            return answer(task, result)
        }
        task.resumesAt = next
        pausing.append(task)
    }

    private func resumePaused() {
        let now = WebhookCaller.monotonic()
        for task in pausing where task.resumesAt <= now { wait(task) }
        pausing.removeAll { $0.resumesAt <= now }
    }

    private func untilNextTimer() -> Int64 {
        let now = WebhookCaller.monotonic()
        let next = (pausing.map(\.resumesAt) + finding.values.map(\.until) + [resolver.nextTimer]).min() ?? .max
        // A group whose turn came while calls were finished has something to start at once.
        let isReady = groups.values.contains { !$0.waiting.isEmpty && $0.running < groupRunningMax }
        if isReady { return 0 }
        return min(Int64(Self.pollMillisecondsMax), max(0, next == .max ? .max : next - now))
    }

    private func answer(_ task: OutboundTask, _ result: Result<HTTPClientResponse, HTTPClientError>) {
        task.then(result)
    }

    private func giveUp(_ new: [OutboundTask]) {
        for attempt in running.values {
            curl_multi_remove_handle(multi, attempt.easy.pointer)
            answer(attempt.task, .failure(.broken("the gateway is stopping")))
        }
        running = [:]
        resolver.close()
        for task in new + finding.values.map(\.task) + pausing + groups.values.flatMap(\.waiting) {
            answer(task, .failure(.broken("the gateway is stopping")))
        }
    }
}

/// A call on its way: how often it was tried, and until when it may be.
private struct OutboundTask: Sendable {
    let call: OutboundCall
    let group: String
    let deadline: Int64
    let then: OutboundCaller.Completion
    var attempts = 0
    var resumesAt: Int64 = 0

    init(call: OutboundCall, group: String, now: Int64, then: @escaping OutboundCaller.Completion) {
        self.call = call
        self.group = group
        self.then = then
        deadline = now + Int64(call.totalMilliseconds)
    }
}

/// One attempt: the handle that libcurl works on, and what it has received.
private final class OutboundAttempt {
    let task: OutboundTask
    let easy: EasyHandle
    private let transfer: ClientTransfer

    init(_ task: OutboundTask, milliseconds: Int) throws(HTTPClientError) {
        self.task = task
        let call = task.call
        let body: RequestBody = call.method == .get ? .none : .bytes(call.body)
        transfer = try ClientTransfer(body: body, sink: .memory(bytesMax: call.answerBytesMax))
        easy = try EasyHandle(transfer, addressRule: call.addressRule)
        try easy.set(url: call.url, method: call.method.rawValue, bodyLength: transfer.bodyLength)
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, min(call.connectMilliseconds, milliseconds))
        try easy.set(CURLOPT_TIMEOUT_MS, min(call.attemptMilliseconds, milliseconds))
        // A name that is still being looked up when time is up must not be waited for on the thread that all calls
        // share.
        try easy.set(CURLOPT_QUICK_EXIT, 1)
        // A small body is not worth asking first whether it is wanted.
        try easy.addHeader("Expect:")
        for (name, value) in call.headers { try easy.add(name, value) }
        try easy.prepare()
    }

    func result(_ code: CURLcode) -> Result<HTTPClientResponse, HTTPClientError> {
        Result { () throws(HTTPClientError) in
            do throws(HTTPClientError) {
                try easy.check(code)
            } catch {
                throw transfer.failure ?? error
            }
            return try transfer.finish()
        }
    }
}

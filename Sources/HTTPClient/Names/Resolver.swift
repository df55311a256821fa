import CCurl
import Foundation
import HTTPCore

/// Addresses of names, asked of name servers by UDP, as many at once as callers wait for: one that no server answers
/// for holds up nobody else, and costs a descriptor, no thread (H5).
///
/// What was found is kept as long as its owner says, within bounds; where no server answers any more, for up to an hour
/// longer. Search lists and other sources than `/etc/hosts` are not asked: a webhook's host is a whole name.
///
/// One thread: its loop's.
final class Resolver {
    enum Found {
        /// None where there is no such name.
        case addresses([IPAddress])
        /// No server answers for it.
        case unanswered
        /// The node has no descriptor for the question.
        case hindered
    }

    typealias Then = (Found) -> Void

    private static let keptSeconds: ClosedRange<UInt32> = 1...300
    /// At most, of a name whose addresses of one kind nobody told.
    private static let halfKeptSeconds: UInt32 = 5
    private static let keptWithoutAnswerMilliseconds: Int64 = 3_600_000
    /// Forgotten all at once where there are more.
    private static let knownMax = 20_000
    /// Asked again after so long, of the next server, and given up after the last.
    private static let roundMilliseconds: [Int64] = [1_000, 2_000, 3_000, 4_000]
    /// Servers and networks that know no longer answers (RFC 6891) are asked without in the rounds after these.
    private static let extendedRounds = 2
    private static let messageBytesMax = 4_096

    private struct Known {
        var addresses: [IPAddress]
        var until: Int64
    }

    /// One name that is being asked for: a question for each kind of address, on a socket of its own whose port nobody
    /// can know.
    private final class Lookup {
        let name: String
        var waiting: [Then]
        var questions: [NameQuestion] = []
        var answers: [NameQuestion.Answer] = []
        /// In this round.
        var failsForIPv4 = false
        var socket: Int32 = -1
        var round = 0
        var roundEndsAt: Int64 = 0

        init(_ name: String, _ then: @escaping Then) {
            self.name = name
            waiting = [then]
        }
    }

    private let poll: Poll
    private var files: NameFiles
    private var known: [String: Known] = [:]
    private var lookups: [String: Lookup] = [:]
    private var bySocket: [Int32: Lookup] = [:]
    private(set) var nextTimer = Int64.max

    init(poll: Poll, servers: [NameServer]) {
        self.poll = poll
        files = NameFiles(servers: servers)
    }

    /// Calls `then` at once where the answer is known, else from `ready` or `runTimers`.
    func find(_ name: String, now: Int64, then: @escaping Then) {
        if let known = known[name], known.until > now { return then(.addresses(known.addresses)) }
        files.look(now: now)
        if let addresses = files.addresses(of: name) { return then(.addresses(addresses)) }
        // RFC 6761.
        if HostName.isLoopback(name) { return then(.addresses([.loopback])) }
        if let lookup = lookups[name] {
            lookup.waiting.append(then)
            return
        }
        let lookup = Lookup(name, then)
        lookups[name] = lookup
        ask(lookup, now: now)
    }

    // MARK: Questions

    private func ask(_ lookup: Lookup, now: Int64) {
        closeSocket(of: lookup)
        let servers = files.servers
        let server = servers[lookup.round % servers.count]
        lookup.questions = [NameQuestion.Kind.ipv4, .ipv6].compactMap {
            NameQuestion(
                lookup.name, $0, number: UInt16.random(in: 0...UInt16.max),
                isExtended: lookup.round < Self.extendedRounds)
        }
        lookup.answers = []
        lookup.failsForIPv4 = false
        guard !lookup.questions.isEmpty else { return end(lookup, .addresses([]), now: now) }
        guard let socket = Self.connected(to: server) else { return end(lookup, .hindered, now: now) }
        lookup.socket = socket
        bySocket[socket] = lookup
        poll.watch(socket, reads: true, writes: false)
        // A server that nothing can be sent to is one that does not answer.
        for question in lookup.questions {
            _ = send(socket, question.bytes, question.bytes.count, Int32(MSG_NOSIGNAL))
        }
        lookup.roundEndsAt = now + Self.roundMilliseconds[lookup.round]
        nextTimer = min(nextTimer, lookup.roundEndsAt)
    }

    private static func connected(to server: NameServer) -> Int32? {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let fd = socket(server.address.isIPv4 ? AF_INET : AF_INET6, kind, 0)
        guard fd >= 0 else { return nil }
        // Where there is no way to the server the time of the round is waited for all the same.
        _ = server.withSocketAddress { connect(fd, $0, $1) }
        return fd
    }

    func owns(_ socket: Int32) -> Bool { bySocket[socket] != nil }

    /// The socket has something to read.
    func ready(_ socket: Int32, now: Int64) {
        guard let lookup = bySocket[socket] else { return }
        var buffer = [UInt8](repeating: 0, count: Self.messageBytesMax)
        while lookup.socket == socket {
            let count = recv(socket, &buffer, buffer.count, 0)
            // Refused: nobody listens there. The next server is asked at once.
            if count < 0, errno == ECONNREFUSED { return nextRound(lookup, now: now) }
            guard count > 0 else { return }
            let message = Array(buffer[..<count])
            for (index, question) in lookup.questions.enumerated() {
                guard let answer = question.answer(message) else { continue }
                lookup.questions.remove(at: index)
                lookup.answers.append(answer)
                if question.kind == .ipv4 { lookup.failsForIPv4 = answer == .failed }
                break
            }
            if lookup.questions.isEmpty { return decide(lookup, now: now) }
        }
    }

    /// Both questions are answered. The addresses of one kind do, where the server fails for the other; those of IPv6
    /// alone, which many nodes cannot reach, only once nobody is left to ask.
    private func decide(_ lookup: Lookup, now: Int64) {
        let hasAddress = lookup.answers.contains(where: \.isAddress)
        let isLast = lookup.round + 1 == Self.roundMilliseconds.count
        if lookup.answers.contains(.failed), !hasAddress || lookup.failsForIPv4 && !isLast {
            return nextRound(lookup, now: now)
        }
        finish(lookup, now: now)
    }

    func runTimers(now: Int64) {
        guard now >= nextTimer else { return }
        nextTimer = .max
        for lookup in Array(lookups.values) where lookup.roundEndsAt <= now {
            // The addresses of one kind do, where nobody says anything of the other.
            if lookup.answers.contains(where: \.isAddress) {
                finish(lookup, now: now)
            } else {
                nextRound(lookup, now: now)
            }
        }
        nextTimer = lookups.values.map(\.roundEndsAt).min() ?? .max
    }

    private func nextRound(_ lookup: Lookup, now: Int64) {
        lookup.round += 1
        if lookup.round < Self.roundMilliseconds.count { return ask(lookup, now: now) }
        // Better what was true a while ago than nothing.
        if let old = known[lookup.name], !old.addresses.isEmpty, now - old.until < Self.keptWithoutAnswerMilliseconds {
            return end(lookup, .addresses(old.addresses), now: now)
        }
        end(lookup, .unanswered, now: now)
    }

    private func finish(_ lookup: Lookup, now: Int64) {
        var addresses: [IPAddress] = []
        var seconds = UInt32.max
        for case .addresses(let found, let kept) in lookup.answers {
            addresses += found
            if !found.isEmpty || lookup.answers.allSatisfy({ !$0.isAddress }) { seconds = min(seconds, kept) }
        }
        // Half an answer is asked for again soon.
        let isWhole = lookup.questions.isEmpty && !lookup.answers.contains(.failed)
        let upper = isWhole ? Self.keptSeconds.upperBound : Self.halfKeptSeconds
        let kept = min(max(seconds, Self.keptSeconds.lowerBound), upper)
        if known.count >= Self.knownMax { known.removeAll() }
        known[lookup.name] = Known(addresses: addresses, until: now + Int64(kept) * 1_000)
        end(lookup, .addresses(addresses), now: now)
    }

    private func end(_ lookup: Lookup, _ found: Found, now: Int64) {
        closeSocket(of: lookup)
        lookups[lookup.name] = nil
        for then in lookup.waiting { then(found) }
    }

    private func closeSocket(of lookup: Lookup) {
        guard lookup.socket >= 0 else { return }
        poll.forget(lookup.socket)
        bySocket[lookup.socket] = nil
        close(lookup.socket)
        lookup.socket = -1
    }

    /// Closes what is open; nobody is called any more.
    func close() {
        for lookup in lookups.values { closeSocket(of: lookup) }
        lookups = [:]
    }

    private func close(_ socket: Int32) { Foundation.close(socket) }
}

extension NameQuestion.Answer {
    fileprivate var isAddress: Bool {
        if case .addresses(let addresses, _) = self { return !addresses.isEmpty }
        return false
    }
}

extension NameServer {
    fileprivate func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        func bound<Value>(_ value: inout Value) -> Int32 {
            withUnsafePointer(to: &value) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<Value>.size))
                }
            }
        }
        if address.isIPv4 {
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
            return bound(&value)
        }
        var value = sockaddr_in6()
        value.sin6_family = sa_family_t(AF_INET6)
        value.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &value.sin6_addr) { bytes in
            bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return bound(&value)
    }
}

import Cryptography
import Foundation
import HTTPCore

/// Whose turn it is, and on which connection.
extension PeerClient {
    func queue(_ exchange: PeerExchange) {
        let (address, group) = (exchange.request.address, exchange.request.group)
        let place = places[address, default: Place()]
        guard place.waiting.count < Self.waitingMax,
            place.waitingByGroup[group, default: 0] < Self.groupWaitingMax
        else { return fail(exchange, .busy) }
        places[address, default: place].waiting.append(exchange)
        places[address]?.waitingByGroup[group, default: 0] += 1
        startNext(at: address)
    }

    /// Takes it out of those that wait.
    func unqueue(_ exchange: PeerExchange) {
        let (address, group) = (exchange.request.address, exchange.request.group)
        guard let index = places[address]?.waiting.firstIndex(where: { $0 === exchange }) else { return }
        places[address]?.waiting.remove(at: index)
        let left = (places[address]?.waitingByGroup[group] ?? 1) - 1
        places[address]?.waitingByGroup[group] = left == 0 ? nil : left
    }

    /// Gives connections to those that wait, in their order; a group that has its share waits for its own.
    func startNext(at address: PeerAddress) {
        guard hasFound(address) else { return }
        while let place = places[address], !place.waiting.isEmpty {
            guard !place.idle.isEmpty || place.connections < Self.connectionsMax,
                let next = place.waiting.first(where: {
                    place.runningByGroup[$0.request.group, default: 0] < Self.groupConnectionsMax
                })
            else { return }
            unqueue(next)
            if let connection = places[address]?.idle.popLast() {
                run(next, on: connection)
            } else if let connection = connect(to: address, at: places[address]?.found ?? []) {
                run(next, on: connection)
            } else {
                fail(next, .notSent)
            }
        }
    }

    private func run(_ exchange: PeerExchange, on connection: PeerConnection) {
        places[connection.address]?.runningByGroup[exchange.request.group, default: 0] += 1
        connection.startAnew()
        connection.exchange = exchange
        connection.movedAt = now
        exchange.connection = connection
        if connection.isConnected { begin(connection, exchange) }
    }

    private func begin(_ connection: PeerConnection, _ exchange: PeerExchange) {
        let head = exchange.request.head(connection.tls?.binding ?? [])
        if case .whole(let body) = exchange.request.body {
            connection.output = [head + body]
            connection.hasBodyEnd = true
        } else {
            connection.output = [head]
        }
        write(connection)
    }

    /// The call no longer uses its connection.
    func leave(_ connection: PeerConnection) {
        guard let exchange = connection.exchange else { return }
        let group = exchange.request.group
        let left = (places[connection.address]?.runningByGroup[group] ?? 1) - 1
        places[connection.address]?.runningByGroup[group] = left == 0 ? nil : left
        connection.exchange = nil
        exchange.connection = nil
        let taken = connection.taken
        connection.taken = nil
        taken?()
    }

    func fail(_ exchange: PeerExchange, _ failure: PeerFailure) {
        guard !exchange.isOver else { return }
        exchange.isOver = true
        exchange.caller.failed(failure)
    }

    func failWaiting(at address: PeerAddress, _ failure: PeerFailure) {
        for exchange in places[address]?.waiting ?? [] {
            unqueue(exchange)
            fail(exchange, failure)
        }
    }

    func cancel(_ exchange: PeerExchange) {
        exchange.isOver = true
        exchange.isBroken = true
        exchange.wanted = nil
        exchange.ready = []
        unqueue(exchange)
        if let connection = exchange.connection { close(connection) }
    }

    // MARK: Connections

    private static let foundMilliseconds: UInt64 = 10_000

    /// Whether it is known where the host is. A name is looked up off this thread; what was found serves until then.
    private func hasFound(_ address: PeerAddress) -> Bool {
        guard let place = places[address] else { return false }
        if place.isLiteral { return true }
        if place.found.isEmpty, let literal = PeerSocketAddress.literal(address) {
            places[address]?.found = [literal]
            places[address]?.isLiteral = true
            return true
        }
        let isFresh = place.foundAt != 0 && now < place.foundAt + Self.foundMilliseconds
        if !isFresh, !place.isLooking {
            places[address]?.isLooking = true
            Thread.detachNewThread { [self] in post(.found(address, find(address))) }
        }
        return !place.found.isEmpty
    }

    private func connect(to address: PeerAddress, at found: [PeerSocketAddress]) -> PeerConnection? {
        for index in found.indices {
            guard let fd = found[index].connect() else { continue }
            let connection = PeerConnection(fd: fd, to: address, orElse: Array(found[(index + 1)...]), at: now)
            connections[fd] = connection
            places[address]?.connections += 1
            poll.watch(fd, reads: false, writes: true)
            return connection
        }
        return nil
    }

    /// Nobody answers there: the node's name may have other addresses, which come first from now on.
    func connectElsewhere(_ connection: PeerConnection) {
        let (address, others) = (connection.address, connection.otherAddresses)
        guard let exchange = connection.exchange, !others.isEmpty else { return lose(connection) }
        let rest = places[address]?.found.filter { !others.contains($0) } ?? []
        places[address]?.found = others + rest
        close(connection)
        if let next = connect(to: address, at: others) { run(exchange, on: next) } else { fail(exchange, .notSent) }
    }

    /// TCP first, then TLS where the node speaks it; then the call that waits for both.
    func finishConnecting(_ connection: PeerConnection) {
        if connection.tls == nil {
            guard PeerSocketAddress.isConnected(connection.fd) else { return connectElsewhere(connection) }
            if connection.address.isEncrypted {
                guard let tls = TLSClient.connection(fd: connection.fd) else { return lose(connection) }
                connection.tls = tls
            }
        }
        if let tls = connection.tls {
            switch tls.handshake() {
            case .bytes: break
            case .wantsRead: return poll.watch(connection.fd, reads: true, writes: false)
            case .wantsWrite: return poll.watch(connection.fd, reads: false, writes: true)
            case .closed, .failed: return lose(connection)
            }
            // Without it nothing tells the node from somebody in between.
            if tls.binding.isEmpty { return lose(connection) }
        }
        connection.isConnected = true
        if let exchange = connection.exchange { begin(connection, exchange) } else { watch(connection) }
    }

    /// What is worth being told of it.
    func watch(_ connection: PeerConnection) {
        let writes = !connection.output.isEmpty || connection.wantsWrite
        if connection.takesInput || writes {
            poll.watch(connection.fd, reads: connection.takesInput, writes: writes)
        } else {
            poll.forget(connection.fd)
        }
    }

    /// The answer is complete: the connection is for the next one, if it may be.
    func release(_ connection: PeerConnection) {
        let isReusable = connection.head?.keepsAlive == true && connection.isSent && connection.input.isEmpty
        leave(connection)
        guard isReusable else { return close(connection) }
        connection.startAnew()
        connection.movedAt = now
        poll.watch(connection.fd, reads: true, writes: false)
        places[connection.address]?.idle.append(connection)
        startNext(at: connection.address)
    }

    /// The connection broke.
    func lose(_ connection: PeerConnection) {
        let exchange = connection.exchange
        let failure: PeerFailure = connection.mayHaveActed ? .lost : .notSent
        close(connection)
        guard let exchange else { return }
        breakOff(exchange, failure)
    }

    /// No answer comes, or no more of it.
    func breakOff(_ exchange: PeerExchange, _ failure: PeerFailure) {
        guard exchange.isOver else { return fail(exchange, failure) }
        exchange.isBroken = true
        let wanted = exchange.wanted
        exchange.wanted = nil
        wanted?(.failed)
    }

    func close(_ connection: PeerConnection) {
        guard connections.removeValue(forKey: connection.fd) != nil else { return }
        leave(connection)
        connection.tls?.finishWriting()
        connection.tls = nil
        poll.forget(connection.fd)
        PeerSocketAddress.close(connection.fd)
        places[connection.address]?.connections -= 1
        places[connection.address]?.idle.removeAll { $0 === connection }
        startNext(at: connection.address)
    }
}

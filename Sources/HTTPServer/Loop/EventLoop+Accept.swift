import CLinux
import Glibc
import HTTPCore

/// How connections come in, and how they are turned away.
extension EventLoop {
    func watchListeners() {
        acceptIsPaused = false
        for (index, listener) in listeners.enumerated() {
            let token = Self.listenerTokens + UInt64(index)
            _ =
                listener.isShared
                ? poller.watchShared(listener.fd, token: token) : poller.watchReadable(listener.fd, token: token)
        }
    }

    func openSpareDescriptor() { spareDescriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) }

    func accept(from index: Int) {
        for _ in 0..<Self.acceptsPerWakeMax {
            guard index < listeners.count, !acceptIsPaused, acceptOne(listeners[index]) else { return }
        }
    }

    /// False where nobody is waiting any more.
    private func acceptOne(_ listener: ListeningSocket) -> Bool {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let fd = clinux_accept(listener.fd, &storage, &length)
        if fd >= 0 {
            admit(fd, SocketAddress.ipAddress(storage), listener)
            return true
        }
        switch errno {
        case EINTR, ECONNABORTED, EPROTO: return true
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return turnOneAway(listener)
        default: return false
        }
    }

    private func admit(_ fd: Int32, _ address: IPAddress, _ listener: ListeningSocket) {
        let peer = Peer(address: address, role: listener.role, isEncrypted: listener.isEncrypted)
        var isBeyond = false
        var admission = bounds.enter(peer)
        if case .totalReached(let most) = admission, leave(of: most, newcomersToo: true) {
            admission = bounds.enter(peer)
        }
        switch admission {
        case .admitted: break
        case .beyond(let most):
            isBeyond = true
            // Where none of this loop's can go, another loop's may.
            if !leave(of: most) { for mailbox in neighbours { _ = mailbox.post(.leave(most)) } }
        case .totalReached, .apartReached:
            counts.refusedTotalBound += 1
            return sayNoRoom(fd, peer)
        case .addressReached:
            counts.refusedAddressBound += 1
            return sayNoRoom(fd, peer)
        }
        if !listener.isUnix { _ = Socket.setOption(fd, Int32(IPPROTO_TCP), TCP_NODELAY) }
        let slot = takeSlot()
        generation &+= 1
        // The topmost generation would look like a listener's token.
        if generation >= UInt32.max - 1 { generation = 1 }
        let token = UInt64(generation) << 32 | UInt64(slot)
        let connection = Connection(
            fd: fd, slot: slot, token: token, peer: peer, limits: limits, now: now,
            phase: listener.isEncrypted ? .handshake : .head)
        connection.isBeyond = isBeyond
        connections[slot] = connection
        openCount += 1
        counts.accepted += 1
        counts.opened += 1
        guard startTransport(connection, listener), poller.watchConnection(fd, token: token) else {
            return close(connection)
        }
        deadlines[slot] = deadline(of: connection)
    }

    /// Ends connections of an address that has too many: those that have been idle longest, or else those whose bodies
    /// have paused longest. Whoever has come just now may be about to ask, and goes only where `newcomersToo`. False
    /// where it has none here that can go.
    @discardableResult
    func leave(of address: IPAddress, newcomersToo: Bool = false) -> Bool {
        var idle: [Connection] = []
        var sending: [Connection] = []
        for connection in connections {
            guard let connection, connection !== processing, connection.peer.role == .everyone,
                ConnectionBounds.key(connection.peer.address) == address
            else { continue }
            switch connection.phase {
            case .lingering: idle.append(connection)
            case .handshake, .head:
                let isNew = connection.served == 0 && now < connection.openedAt + Self.newcomerNanoseconds
                if connection.output.isEmpty, newcomersToo || !isNew { idle.append(connection) }
            case .body where pause(of: connection) >= Self.bodyPauseMin: sending.append(connection)
            default: break
            }
        }
        let leaving =
            idle.isEmpty
            ? sending.sorted { pause(of: $0) > pause(of: $1) } : idle.sorted { $0.idleSince < $1.idleSince }
        for connection in leaving.prefix(bounds.leavingTogether) {
            counts.evicted += 1
            close(connection)
        }
        return !leaving.isEmpty
    }

    /// Somebody beyond the bound has asked something: whoever has come and not asked yet goes before it is refused.
    func makeRoom() {
        while let crowd = bounds.crowd, leave(of: crowd, newcomersToo: true) {}
    }

    /// For so long a body has brought nothing, in nanoseconds.
    private func pause(of connection: Connection) -> UInt64 {
        guard let intake = connection.intake, !intake.awaitsResume, now > intake.movedAt else { return 0 }
        return now - intake.movedAt
    }

    private static let bodyPauseMin: UInt64 = 1_000_000_000
    private static let newcomerNanoseconds: UInt64 = 100_000_000

    private func takeSlot() -> Int {
        if let slot = freeSlots.popLast() { return slot }
        connections.append(nil)
        deadlines.append(.max)
        return connections.count - 1
    }

    /// A 503 in one attempt, then the end: a connection past the bound gets no state here.
    private func sayNoRoom(_ fd: Int32, _ peer: Peer) {
        if !peer.isEncrypted {
            var response = handler.refusal(status: 503, reason: "Too many connections are open.", head: nil, from: peer)
            response.closes = true
            // What has arrived is read first, so that closing does not reset the answer away.
            _ = Socket.receive(fd, into: scratch)
            let rendered = OutputBuffer()
            StatusLine.append(response.status, to: rendered)
            rendered.append(date.bytes)
            rendered.append(response.headers.bytes)
            var body: [UInt8] = []
            if case .bytes(let bytes) = response.body { body = bytes }
            rendered.append("Content-Length: ")
            rendered.append(decimal: body.count)
            rendered.append("\r\nConnection: close\r\n\r\n")
            rendered.append(body)
            _ = Socket.send(fd, rendered.bytes)
            Socket.finishSending(fd)
        }
        Socket.close(fd)
    }

    /// Descriptors have run out: without this, the waiting client would wake the loop for ever.
    private func turnOneAway(_ listener: ListeningSocket) -> Bool {
        counts.refusedDescriptors += 1
        if spareDescriptor >= 0 {
            Socket.close(spareDescriptor)
            let fd = clinux_accept(listener.fd, nil, nil)
            if fd >= 0 { Socket.close(fd) }
            openSpareDescriptor()
            if fd >= 0 { return true }
        }
        acceptIsPaused = true
        for listener in listeners { poller.forget(listener.fd) }
        if spareDescriptor < 0 { openSpareDescriptor() }
        return false
    }

    // MARK: - Drain

    /// Accepts no more. Who waits in the queue already is still served: here, or by whoever takes the sockets over.
    /// Then a connection that is kept is not closed at once either, since its next request may be on the way: it is
    /// answered, and told that the connection ends.
    func drain(handsOver: Bool) {
        if isDraining { return }
        for listener in listeners where listener.isUnix || !handsOver {
            for _ in 0..<ListeningSocket.backlog { guard !acceptIsPaused, acceptOne(listener) else { break } }
        }
        isDraining = true
        if handsOver { drainedAt = now }
        closeListeners()
        for connection in connections {
            guard let connection else { continue }
            let isIdle = connection.phase == .head && connection.headStartedAt == 0 && connection.output.isEmpty
            if isIdle && connection.served > 0 && !connection.isReadable && !connection.waitsForTurn && !handsOver {
                close(connection)
            } else {
                deadlines[connection.slot] = deadline(of: connection)
            }
        }
    }

    func closeListeners() {
        for listener in listeners { Socket.close(listener.fd) }
        listeners = []
    }
}

import HTTPCore

/// From received bytes to the handler.
extension EventLoop {
    func receive(_ connection: Connection) {
        switch receive(connection, into: scratch) {
        case .bytes(let count):
            counts.bytesIn += count
            if connection.phase == .lingering {
                connection.lingerBytesLeft -= count
                return
            }
            let bytes = UnsafeBufferPointer(rebasing: scratch.bindMemory(to: UInt8.self)[..<count])
            guard connection.input.isEmpty else {
                connection.input.append(contentsOf: bytes)
                return parsePending(connection)
            }
            let used = parse(connection, bytes)
            if used < count { connection.input.append(contentsOf: bytes[used...]) }
        case .blocked:
            connection.isReadable = false
        case .ended:
            inputEnded(connection)
        case .failed:
            close(connection)
        }
    }

    func parsePending(_ connection: Connection) {
        let pending = connection.input
        connection.input = []
        let used = pending.withUnsafeBufferPointer { parse(connection, $0) }
        if used < pending.count { connection.input = used == 0 ? pending : Array(pending[used...]) }
    }

    /// Feeds the parser as long as its events are of use; returns how many bytes are used up.
    private func parse(_ connection: Connection, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var cursor = 0
        connection.isStalled = false
        while connection.takesInput, batch.count < Self.batchBytesMax, connection.served < servedMax {
            switch connection.parser.next(bytes, &cursor) {
            case .needMore:
                connection.isStalled = true
                if connection.phase == .head, cursor < bytes.count, connection.headStartedAt == 0 {
                    connection.headStartedAt = now
                }
                return cursor
            case .head(let framed):
                begin(connection, framed)
            case .body(let range):
                take(UnsafeBufferPointer(rebasing: bytes[range]), for: connection)
            case .end:
                finishIntake(connection)
            case .refused(let refusal):
                counts.refusedFraming += 1
                refuse(connection, refusal)
            }
        }
        return connection.phase == .closing || connection.phase == .closed ? bytes.count : cursor
    }

    private func begin(_ connection: Connection, _ framed: FramedHead) {
        counts.requests += 1
        connection.served += 1
        let startedAt = connection.headStartedAt == 0 ? now : connection.headStartedAt
        connection.headStartedAt = 0
        connection.request = RequestRecord(framed, startedAt: startedAt)
        if framed.expectation == .unknown {
            return refuse(connection, FramingFault(status: 417, reason: "Of expectations, 100-continue alone is met."))
        }
        if connection.isBeyond {
            makeRoom()
            if bounds.isCrowded, !limits.healthPaths.contains(framed.head.path) {
                counts.refusedTotalBound += 1
                return refuse(connection, FramingFault(status: 503, reason: "too many connections"))
            }
            connection.isBeyond = bounds.isCrowded
        }
        follow(handler.received(framed.head, from: connection.peer), connection, framed)
    }

    /// What the handler wants of a request, now or once it has been found out.
    private func follow(_ verdict: HeadVerdict, _ connection: Connection, _ framed: FramedHead) {
        switch verdict {
        case .answer(let response):
            respond(connection, response)
        case .later(let start):
            if framed.hasBody { connection.request?.keepsAlive = false }
            connection.phase = .answering
            if let responder = makeExchange(connection) { start(responder) }
            respondStashed(connection)
        case .readBody(let bytesMax, let room, let call, let then):
            connection.call = call
            startIntake(connection, framed, bytesMax, .buffer(room, then: then))
        case .streamBody(let bytesMax, let room, let call, let start):
            connection.call = call
            guard fits(connection, framed, bytesMax), hasRoom(connection, room, Self.receiveBytesMax),
                let responder = makeExchange(connection)
            else { return }
            // Until the sink exists, there is nothing to hand a body to.
            connection.phase = .answering
            let sink = start(responder)
            respondStashed(connection)
            if connection.phase == .answering { startIntake(connection, framed, bytesMax, .sink(sink)) }
        case .undecided(let start):
            connection.phase = .answering
            connection.undecided = framed
            guard let responder = makeExchange(connection) else { return }
            start { verdict in responder.loop.submit(.verdict(responder, verdict)) }
            if let verdict = connection.stashedVerdict {
                connection.stashedVerdict = nil
                decide(connection, verdict())
            }
        }
    }

    /// The verdict that was waited for has come. From here on the request is as if its head had just been read.
    func decide(_ connection: Connection, _ verdict: HeadVerdict) {
        guard let framed = connection.undecided else { return }
        connection.undecided = nil
        _ = connection.responder?.takeRight()
        connection.responder = nil
        connection.phase = .head
        follow(verdict, connection, framed)
    }

    func makeExchange(_ connection: Connection) -> PendingResponder? {
        guard let request = connection.request else { return nil }
        let responder = PendingResponder(peer: connection.peer, loop: self, slot: connection.slot, request: request)
        connection.responder = responder
        return responder
    }

    /// The answer that a handler gave while it was called.
    func respondStashed(_ connection: Connection) {
        guard let response = connection.stashedAnswer else { return }
        connection.stashedAnswer = nil
        respond(connection, response)
    }

    /// Answers in the call's words, or else the handler's, and closes; a body under way is thrown away.
    func refuse(_ connection: Connection, _ refusal: FramingFault) {
        let received = connection.intake?.received ?? 0
        _ = abandonIntake(connection)
        if connection.request == nil {
            let startedAt = connection.headStartedAt == 0 ? now : connection.headStartedAt
            connection.request = RequestRecord(refusedAt: startedAt)
        }
        _ = connection.responder?.takeRight()
        var response =
            connection.call?.refusal(status: refusal.status, reason: refusal.reason, received: received)
            ?? handler.refusal(
                status: refusal.status, reason: refusal.reason, head: connection.request?.head, from: connection.peer)
        response.closes = true
        respond(connection, response)
    }

    /// The client sends no more; what it has sent is still answered.
    private func inputEnded(_ connection: Connection) {
        connection.isReadable = false
        connection.inputEnded = true
        switch connection.phase {
        case .head: connection.phase = .closing
        case .handshake, .body, .lingering: close(connection)
        case .answering, .streaming, .closing, .closed: break
        }
    }
}

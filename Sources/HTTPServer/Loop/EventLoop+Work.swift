import HTTPCore

/// How one connection gets its turn: take in, answer, send, as far as socket and handler allow.
extension EventLoop {
    /// Runs `first`, then everything that has become possible. Not re-entrant: what a handler calls meanwhile is
    /// stashed.
    func work(on connection: Connection, _ first: () -> Void = {}) {
        precondition(processing == nil, "one connection at a time")
        processing = connection
        servedMax = connection.served + Self.requestsPerTurnMax
        first()
        move(connection)
        processing = nil
        if connection.phase != .closed { deadlines[connection.slot] = deadline(of: connection) }
    }

    private func move(_ connection: Connection) {
        if connection.phase == .handshake { continueHandshake(connection) }
        flush(connection)
        var steps = 0
        while connection.canMove || batch.count > 0 {
            if steps == Self.stepsPerTurnMax || connection.served >= servedMax {
                waitForTurn(connection)
                break
            }
            while connection.takesInput, batch.count < Self.batchBytesMax, steps < Self.stepsPerTurnMax,
                connection.served < servedMax
            {
                if !connection.isStalled {
                    parsePending(connection)
                } else if connection.isReadable {
                    steps += 1
                    receive(connection)
                } else {
                    break
                }
            }
            flush(connection)
            if connection.phase == .streaming, connection.output.isEmpty {
                steps += 1
                pull(connection)
            } else if connection.phase == .closing, connection.output.isEmpty {
                finishClosing(connection)
            }
        }
        flush(connection)
    }

    private func waitForTurn(_ connection: Connection) {
        if connection.waitsForTurn { return }
        connection.waitsForTurn = true
        again.append(connection)
    }

    /// Sends what is gathered; what the socket does not take waits in `output`.
    func flush(_ connection: Connection) {
        if connection.phase == .closed { return discardBatch() }
        if batch.count > 0 {
            if connection.output.isEmpty, connection.isWritable {
                var sent = 0
                while sent < batch.count, connection.isWritable {
                    sent += sendOnce(connection, UnsafeRawBufferPointer(rebasing: batch.bytes[sent...]))
                    if connection.phase == .closed { return }
                }
                connection.queue(UnsafeRawBufferPointer(rebasing: batch.bytes[sent...]), at: now)
            } else {
                connection.queue(batch.bytes, at: now)
            }
            batch.removeAll()
        }
        while !connection.output.isEmpty, connection.isWritable {
            let sent = connection.output.withFirst { sendOnce(connection, $0) }
            if connection.phase == .closed { return }
            if sent > 0 {
                connection.output.removeFirst(sent)
                connection.outputTaken += sent
                connection.outputMovedAt = now
            }
        }
        if connection.output.isEmpty {
            reportSent(connection)
        } else if !batchAnswers.isEmpty {
            connection.unsent += batchAnswers
            batchAnswers.removeAll(keepingCapacity: true)
        }
    }

    /// The count that was taken, zero where the socket is full; a failure closes the connection.
    private func sendOnce(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Int {
        if bytes.isEmpty { return 0 }
        switch send(connection, bytes) {
        case .bytes(let count):
            counts.bytesOut += count
            return count
        case .blocked:
            connection.isWritable = false
        case .ended, .failed:
            close(connection)
        }
        return 0
    }

    private func discardBatch() {
        batch.removeAll()
        batchAnswers.removeAll(keepingCapacity: true)
    }

    // MARK: - Reports

    private func reportSent(_ connection: Connection) {
        if batchAnswers.isEmpty && connection.unsent.isEmpty { return }
        let time = Clock.nanoseconds()
        for answer in connection.unsent { report(answer, to: connection.peer, at: time) }
        for answer in batchAnswers { report(answer, to: connection.peer, at: time) }
        connection.unsent.removeAll()
        batchAnswers.removeAll(keepingCapacity: true)
    }

    func report(_ answer: SentAnswer, to peer: Peer, at time: UInt64 = Clock.nanoseconds()) {
        let nanoseconds = time > answer.request.startedAt ? time - answer.request.startedAt : 0
        handler.answered(
            answer.request.head, status: answer.status, bytes: answer.bodyBytes,
            microseconds: Int(nanoseconds / 1000), from: peer)
    }

    // MARK: - The end

    /// Everything is sent. Where the client may still be sending, closing now would make the kernel answer with a reset
    /// that can overtake our answer, so our side is shut and the rest is read for a while. A client that sends on is
    /// then left with its buffers full, in which state it looks for an answer, until its time is over.
    private func finishClosing(_ connection: Connection) {
        guard connection.lingers, !connection.inputEnded else { return close(connection) }
        finishSending(connection)
        connection.phase = .lingering
        connection.input = []
        connection.isStalled = true
        connection.lingerStartedAt = now
        connection.lingerBytesLeft = limits.lingerBytesMax
        connection.isReadable = true
    }

    /// Ends a connection at once, whatever it was doing.
    func close(_ connection: Connection) {
        if connection.phase == .closed { return }
        let phase = connection.phase
        connection.phase = .closed
        connections[connection.slot] = nil
        deadlines[connection.slot] = .max
        freeSlots.append(connection.slot)
        openCount -= 1
        counts.opened -= 1
        bounds.leave(connection.peer)
        finishTransport(connection)
        Socket.close(connection.fd)
        abandon(connection, in: phase)
    }

    /// Tells everyone who still held something of it.
    private func abandon(_ connection: Connection, in phase: Connection.Phase) {
        var unsentBytes = connection.output.count
        if processing === connection {
            unsentBytes += batch.count
            connection.unsent += batchAnswers
            discardBatch()
        }
        for answer in connection.unsent {
            let bytes = max(0, answer.bodyBytes - unsentBytes)
            report(SentAnswer(request: answer.request, status: answer.status, bodyBytes: bytes), to: connection.peer)
        }
        connection.unsent = []
        if let outflow = connection.outflow {
            connection.outflow = nil
            outflow.stream.cancel()
            if let request = connection.request {
                report(
                    SentAnswer(request: request, status: outflow.status, bodyBytes: outflow.sent), to: connection.peer)
            }
        }
        if phase == .body { connection.call?.left(received: connection.intake?.received ?? 0) }
        if phase == .body, abandonIntake(connection), let request = connection.request {
            report(SentAnswer(request: request, status: Self.clientClosedStatus, bodyBytes: 0), to: connection.peer)
        }
        connection.responder = nil
        connection.request = nil
        connection.undecided = nil
        connection.call = nil
    }

    /// What the log says of a request whose client went before its body was complete.
    static let clientClosedStatus = 499
}

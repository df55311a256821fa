import HTTPCore

/// Bodies on their way in, with back-pressure.
extension EventLoop {
    /// False after a 413.
    func fits(_ connection: Connection, _ framed: FramedHead, _ bytesMax: Int) -> Bool {
        guard case .length(let length) = framed.framing, length > bytesMax else { return true }
        refuseTooLarge(connection, bytesMax)
        return false
    }

    func startIntake(
        _ connection: Connection, _ framed: FramedHead, _ bytesMax: Int, _ destination: BodyIntake.Destination
    ) {
        guard fits(connection, framed, bytesMax) else { return }
        var roomBytes = 0
        if case .buffer(let room, _) = destination {
            // What is announced is set aside before any of it is read; of the rest a piece at a time.
            switch framed.framing {
            case .none: break
            case .length(let length): roomBytes = length
            case .chunked: roomBytes = min(Self.roomFirstBytes, bytesMax)
            }
            guard hasRoom(connection, room, roomBytes) else { return }
        }
        connection.intake = BodyIntake(
            destination: destination, bytesMax: bytesMax, roomBytes: roomBytes, startedAt: now, movedAt: now)
        if case .buffer(_, _) = destination, case .length(let length) = framed.framing {
            // An announced length is not yet a reason to set memory aside.
            connection.body.reserveCapacity(min(length, Self.receiveBytesMax))
        }
        connection.phase = .body
        guard framed.hasBody else { return finishIntake(connection) }
        if framed.expectation == .continue100 { batch.append("HTTP/1.1 100 Continue\r\n\r\n") }
    }

    func take(_ piece: UnsafeBufferPointer<UInt8>, for connection: Connection) {
        guard let intake = connection.intake else { return }
        guard intake.received + piece.count <= intake.bytesMax else {
            return refuseTooLarge(connection, intake.bytesMax)
        }
        connection.intake?.received += piece.count
        connection.intake?.movedAt = now
        switch intake.destination {
        case .buffer(let room, _):
            let count = connection.body.count + piece.count
            if count > intake.roomBytes {
                let steps = (count + Self.roomStepBytes - 1) / Self.roomStepBytes
                guard hasRoom(connection, room, steps * Self.roomStepBytes) else { return }
                connection.intake?.roomBytes = steps * Self.roomStepBytes
            }
            connection.body.append(contentsOf: piece)
        case .sink(let sink):
            guard let responder = connection.responder else { return }
            connection.intake?.awaitsResume = true
            sink.receive(Array(piece)) { responder.loop.submit(.resume(responder)) }
            if connection.stashedAnswer != nil { return respondStashed(connection) }
            if connection.stashedResume { resumeIntake(connection) }
        }
    }

    func resumeIntake(_ connection: Connection) {
        connection.stashedResume = false
        guard var intake = connection.intake, connection.phase == .body else { return }
        let time = Clock.nanoseconds()
        intake.awaitsResume = false
        intake.startedAt += time > intake.movedAt ? time - intake.movedAt : 0
        intake.movedAt = time
        connection.intake = intake
        connection.isStalled = false
    }

    func finishIntake(_ connection: Connection) {
        guard let intake = connection.intake else { return }
        connection.intake = nil
        connection.phase = .answering
        switch intake.destination {
        case .buffer(_, let then):
            guard let responder = makeExchange(connection) else { return }
            let body = connection.body
            connection.body = []
            if let response = then(body, responder) {
                if responder.takeRight() { return respond(connection, response) }
            }
        case .sink(let sink):
            sink.finish()
        }
        respondStashed(connection)
    }

    /// True where a body was under way; its sink can answer no more.
    func abandonIntake(_ connection: Connection) -> Bool {
        guard let intake = connection.intake else { return false }
        connection.intake = nil
        connection.body = []
        _ = connection.responder?.takeRight()
        if case .sink(let sink) = intake.destination { sink.abort() }
        return true
    }

    /// A body of no known length takes its room in steps of so many bytes, behind a first one that is small: a small
    /// body takes what one takes whose length is known.
    private static let (roomFirstBytes, roomStepBytes) = (1 << 10, 16 * 1024)

    /// False after a 503: the body is not read, or no further.
    func hasRoom(_ connection: Connection, _ room: (any BodyRoom)?, _ bytes: Int) -> Bool {
        guard let room, !room.grow(to: bytes) else { return true }
        counts.refusedBodyRoom += 1
        refuse(connection, FramingFault(status: 503, reason: "no room for more bodies"))
        return false
    }

    private func refuseTooLarge(_ connection: Connection, _ bytesMax: Int) {
        counts.refusedBodyTooLarge += 1
        refuse(connection, FramingFault(status: 413, reason: "The body is larger than \(bytesMax) bytes."))
    }
}

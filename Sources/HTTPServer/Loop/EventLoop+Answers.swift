import HTTPCore

/// From a response value to bytes in the batch (RFC 9112 §6, §9).
extension EventLoop {
    /// From this size a body is queued as it is rather than copied into the batch.
    static let copiedBytesMax = 32 * 1024

    /// Renders the answer of the current request. On the loop, while the connection is being worked on.
    func respond(_ connection: Connection, _ response: Response) {
        guard var request = connection.request, connection.phase != .closed else { return }
        connection.call = nil
        connection.intake = nil
        connection.body = []
        let bodyIsUnread = connection.parser.isInBody
        request.keepsAlive = request.keepsAlive && !response.closes && !bodyIsUnread && !isDraining
        connection.lingers = bodyIsUnread || response.closes || isDraining
        let answer = ContentCoding.apply(response, request.head, limits)

        StatusLine.append(answer.status, to: batch)
        batch.append(date.bytes)
        batch.append(answer.headers.bytes)
        let isBodiless = answer.status == 204 || answer.status == 304
        switch answer.body {
        case .none:
            if !isBodiless { batch.append("Content-Length: 0\r\n") }
            finishHead(request)
            finishAnswer(connection, request, answer.status, bodyBytes: 0)
        case .bytes(let bytes):
            if !isBodiless { appendContentLength(bytes.count) }
            finishHead(request)
            let isSent = !isBodiless && !request.isHead
            if isSent { append(bytes, to: connection) }
            finishAnswer(connection, request, answer.status, bodyBytes: isSent ? bytes.count : 0)
        case .stream(let stream, let length):
            startStream(connection, &request, answer.status, stream, length, isBodiless: isBodiless)
        }
    }

    private func startStream(
        _ connection: Connection, _ request: inout RequestRecord, _ status: Int, _ stream: any ResponseStream,
        _ length: Int?, isBodiless: Bool
    ) {
        let isChunked = length == nil && !request.isHTTP10
        if let length, !isBodiless {
            appendContentLength(length)
        } else if isChunked, !isBodiless {
            batch.append("Transfer-Encoding: chunked\r\n")
        } else if !isBodiless, !request.isHead {
            // HTTP/1.0 tells the end of such a body by the end of the connection.
            request.keepsAlive = false
        }
        finishHead(request)
        if isBodiless || request.isHead {
            stream.cancel()
            return finishAnswer(connection, request, status, bodyBytes: 0)
        }
        connection.request = request
        if connection.responder == nil, let responder = makeExchange(connection) { _ = responder.takeRight() }
        connection.outflow = StreamOutflow(stream: stream, status: status, isChunked: isChunked, left: length)
        connection.phase = .streaming
    }

    private func appendContentLength(_ length: Int) {
        batch.append("Content-Length: ")
        batch.append(decimal: length)
        batch.append("\r\n")
    }

    private func finishHead(_ request: RequestRecord) {
        if !request.keepsAlive {
            batch.append("Connection: close\r\n\r\n")
        } else if request.isHTTP10 {
            batch.append("Connection: keep-alive\r\n\r\n")
        } else {
            batch.append("\r\n")
        }
    }

    private func finishAnswer(_ connection: Connection, _ request: RequestRecord, _ status: Int, bodyBytes: Int) {
        batchAnswers.append(SentAnswer(request: request, status: status, bodyBytes: bodyBytes))
        connection.responder = nil
        connection.request = nil
        connection.phase = request.keepsAlive ? .head : .closing
        connection.idleSince = now
        connection.isStalled = false
    }

    /// Small pieces join the batch; large ones are sent with it in one call, and what is left is kept without a copy.
    private func append(_ bytes: [UInt8], to connection: Connection) {
        guard bytes.count > Self.copiedBytesMax else { return batch.append(bytes) }
        var sent = 0
        if connection.output.isEmpty, connection.isWritable {
            let result = bytes.withUnsafeBytes { send(connection, batch.bytes, $0) }
            if case .bytes(let count) = result { sent = count }
            counts.bytesOut += sent
        }
        if sent < batch.count {
            connection.queue(UnsafeRawBufferPointer(rebasing: batch.bytes[sent...]), at: now)
            connection.queue(bytes, at: now)
        } else {
            connection.queue(bytes, from: sent - batch.count, at: now)
        }
        batch.removeAll()
    }

    // MARK: - Streams

    /// Asks for pieces as long as they come at once and there is room.
    func pull(_ connection: Connection) {
        while connection.phase == .streaming, connection.output.isEmpty, batch.count < Self.batchBytesMax,
            let stream = connection.outflow?.stream, connection.outflow?.awaitsPiece == false,
            let responder = connection.responder
        {
            connection.outflow?.awaitsPiece = true
            stream.next { piece in responder.loop.submit(.piece(responder, piece)) }
            guard let piece = connection.stashedPiece else { return }
            connection.stashedPiece = nil
            take(piece, for: connection)
        }
    }

    func take(_ piece: ResponsePiece, for connection: Connection) {
        guard let outflow = connection.outflow, let request = connection.request else { return }
        connection.outflow?.awaitsPiece = false
        switch piece {
        case .bytes(let bytes):
            if bytes.isEmpty { return }
            // More than was announced would be read as the next answer.
            if let left = outflow.left, bytes.count > left { return close(connection) }
            connection.outflow?.left = outflow.left.map { $0 - bytes.count }
            connection.outflow?.sent += bytes.count
            if outflow.isChunked {
                batch.append(hex: bytes.count)
                batch.append("\r\n")
            }
            append(bytes, to: connection)
            if outflow.isChunked { batch.append("\r\n") }
        case .end:
            if let left = outflow.left, left > 0 { return close(connection) }
            if outflow.isChunked { batch.append("0\r\n\r\n") }
            connection.outflow = nil
            finishAnswer(connection, request, outflow.status, bodyBytes: outflow.sent)
        case .failed:
            close(connection)
        }
    }
}

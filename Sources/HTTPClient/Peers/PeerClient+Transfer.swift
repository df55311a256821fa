import CCurl
import Cryptography
import Glibc
import HTTPCore

/// Bytes to and from the other node.
extension PeerClient {
    // MARK: The request

    func write(_ connection: PeerConnection) {
        connection.wantsWrite = false
        while let first = connection.output.first {
            let result = first.withUnsafeBytes {
                Self.send(connection, UnsafeRawBufferPointer(rebasing: $0[connection.outputTaken...]))
            }
            switch result {
            case .bytes(let count):
                connection.movedAt = now
                connection.outputTaken += count
                if connection.outputTaken == first.count {
                    connection.output.removeFirst()
                    connection.outputTaken = 0
                }
            case .wantsRead, .wantsWrite: return watch(connection)
            case .closed, .failed:
                // What the node said before it closed is still there to be read.
                connection.output = []
                return read(connection)
            }
        }
        if connection.hasBodyEnd { (connection.isSent, connection.mayHaveActed) = (true, true) }
        let taken = connection.taken
        connection.taken = nil
        watch(connection)
        taken?()
    }

    private static func send(_ connection: PeerConnection, _ bytes: UnsafeRawBufferPointer) -> TLSResult {
        if let tls = connection.tls { return tls.write(bytes) }
        while true {
            let count = Glibc.send(connection.fd, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wantsWrite : .failed
        }
    }

    private static func receive(_ connection: PeerConnection, _ buffer: UnsafeMutableRawBufferPointer) -> TLSResult {
        if let tls = connection.tls { return tls.read(into: buffer) }
        while true {
            let count = recv(connection.fd, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .closed }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wantsRead : .failed
        }
    }

    func send(_ piece: [UInt8], of exchange: PeerExchange, _ taken: @escaping @Sendable () -> Void) {
        guard let connection = exchange.connection, connection.isAskedForBody, !piece.isEmpty else { return taken() }
        // With a length the last piece is the end.
        connection.mayHaveActed = true
        if connection.isAsChunks {
            connection.output += [Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [0x0D, 0x0A]]
        } else {
            connection.output.append(piece)
        }
        connection.taken = taken
        write(connection)
    }

    func endBody(of exchange: PeerExchange) {
        guard let connection = exchange.connection, connection.isAskedForBody else { return }
        if connection.isAsChunks { connection.output.append(Array("0\r\n\r\n".utf8)) }
        connection.hasBodyEnd = true
        write(connection)
    }

    // MARK: The answer

    /// As far as there is something, and somebody wants it: TLS may hold more than its socket knows of.
    func read(_ connection: PeerConnection) {
        while connections[connection.fd] === connection, connection.takesInput {
            switch Self.receive(connection, scratch) {
            case .bytes(let count):
                connection.movedAt = now
                // Nobody asked.
                guard let exchange = connection.exchange else { return close(connection) }
                let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
                if connection.head == nil {
                    connection.input.append(contentsOf: bytes)
                    readHead(connection, exchange)
                } else {
                    readBody(bytes, connection, exchange)
                }
            case .wantsRead: return watch(connection)
            case .wantsWrite:
                connection.wantsWrite = true
                return watch(connection)
            case .closed: return ended(connection)
            case .failed: return lose(connection)
            }
        }
        if connections[connection.fd] === connection { watch(connection) }
    }

    private func ended(_ connection: PeerConnection) {
        guard connection.head != nil, connection.reader.mayEndHere, let exchange = connection.exchange else {
            return lose(connection)
        }
        complete(connection, exchange)
    }

    private func readHead(_ connection: PeerConnection, _ exchange: PeerExchange) {
        while let end = Self.headEnd(in: connection.input) {
            guard let head = PeerAnswerHead(connection.input[..<end], isHead: exchange.request.isHead) else {
                return spoil(connection)
            }
            connection.input.removeFirst(end + 4)
            if head.isInformational {
                let isFirst = !connection.isAskedForBody
                if head.status == 100, isFirst, case .pieces = exchange.request.body {
                    connection.isAskedForBody = true
                    exchange.caller.wantsBody(exchange)
                }
                continue
            }
            connection.head = head
            connection.reader = PeerBodyReader(head.framing)
            if case .length(let bytes) = head.framing, bytes <= Self.wholeBytesMax { connection.gathered = [] }
            return begin(head, connection, exchange)
        }
        if connection.input.count > PeerAnswerHead.bytesMax { spoil(connection) }
    }

    private static func headEnd(in bytes: [UInt8]) -> Int? {
        bytes.indices.dropLast(3).first { at in
            bytes[at] == 0x0D && bytes[at + 1] == 0x0A && bytes[at + 2] == 0x0D && bytes[at + 3] == 0x0A
        }
    }

    private func begin(_ head: PeerAnswerHead, _ connection: PeerConnection, _ exchange: PeerExchange) {
        if connection.gathered == nil {
            exchange.isOver = true
            let body: ResponseBody =
                if exchange.request.isHead {
                    .stream(AnnouncedStream(), length: head.announcedLength)
                } else if head.framing == .none {
                    .none
                } else if case .length(let bytes) = head.framing {
                    .stream(PeerStream(exchange, self), length: bytes)
                } else {
                    .stream(PeerStream(exchange, self), length: nil)
                }
            exchange.caller.answered(PeerAnswer(status: head.status, fields: head.fields, body: body))
            if connection.reader.isComplete { return complete(connection, exchange) }
        }
        let rest = connection.input
        connection.input = []
        rest.withUnsafeBytes { readBody($0, connection, exchange) }
    }

    private func readBody(_ bytes: UnsafeRawBufferPointer, _ connection: PeerConnection, _ exchange: PeerExchange) {
        let used: Int?
        if connection.gathered != nil {
            used = connection.reader.read(bytes, into: &connection.gathered!)
        } else {
            used = connection.reader.read(bytes, into: &exchange.ready)
        }
        guard let used else { return spoil(connection) }
        if used < bytes.count { connection.input.append(contentsOf: bytes[used...]) }
        if connection.reader.isComplete { return complete(connection, exchange) }
        give(exchange)
    }

    /// The answer is all there.
    private func complete(_ connection: PeerConnection, _ exchange: PeerExchange) {
        let (head, gathered) = (connection.head, connection.gathered)
        exchange.isEnded = true
        release(connection)
        if let gathered, let head {
            exchange.isOver = true
            exchange.caller.answered(PeerAnswer(status: head.status, fields: head.fields, body: .bytes(gathered)))
        } else {
            give(exchange)
        }
    }

    private func spoil(_ connection: PeerConnection) {
        let exchange = connection.exchange
        close(connection)
        if let exchange { breakOff(exchange, .malformed) }
    }

    // MARK: Pieces of it

    func pull(_ exchange: PeerExchange, _ give: @escaping @Sendable (ResponsePiece) -> Void) {
        exchange.wanted = give
        self.give(exchange)
        if exchange.wanted != nil, let connection = exchange.connection { read(connection) }
    }

    private func give(_ exchange: PeerExchange) {
        guard let wanted = exchange.wanted else { return }
        let piece: ResponsePiece
        if !exchange.ready.isEmpty {
            piece = .bytes(exchange.ready)
            exchange.ready = []
        } else if exchange.isBroken {
            piece = .failed
        } else if exchange.isEnded {
            piece = .end
        } else {
            return
        }
        exchange.wanted = nil
        wanted(piece)
    }
}

import HTTPCore

/// The socket as the rest of the loop sees it.
extension EventLoop {
    /// False where the connection cannot begin.
    func startTransport(_ connection: Connection, _ listener: ListeningSocket) -> Bool { true }

    func continueHandshake(_ connection: Connection) {
        connection.phase = .head
    }

    func receive(_ connection: Connection, into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        let result = Socket.receive(connection.fd, into: buffer)
        // A short read has emptied the socket: the next byte, or the end, is a new edge (epoll(7)).
        if case .bytes(let count) = result, count < buffer.count, !connection.peerFinishedSending {
            connection.isReadable = false
        }
        return result
    }

    func send(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> TransferResult {
        Socket.send(connection.fd, bytes)
    }

    func send(
        _ connection: Connection, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> TransferResult {
        Socket.send(connection.fd, first, second)
    }

    func finishSending(_ connection: Connection) { Socket.finishSending(connection.fd) }

    func finishTransport(_ connection: Connection) {}
}

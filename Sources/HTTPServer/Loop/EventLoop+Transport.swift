import Cryptography
import HTTPCore

/// The socket as the rest of the loop sees it: plain, or under TLS.
extension EventLoop {
    /// False where the connection cannot begin.
    func startTransport(_ connection: Connection, _ listener: ListeningSocket) -> Bool {
        guard let context = listener.tls else { return true }
        connection.tls = context.connection(fd: connection.fd)
        return connection.tls != nil
    }

    func continueHandshake(_ connection: Connection) {
        guard let tls = connection.tls else { return }
        switch tls.handshake() {
        case .bytes:
            connection.phase = .head
            if limits.bindsPeers {
                let peer = connection.peer
                connection.peer = Peer(
                    address: peer.address, role: peer.role, isEncrypted: true, binding: tls.binding)
            }
            connection.idleSince = now
            // The first request may have come with the handshake's last bytes.
            connection.isReadable = true
        case .wantsRead: connection.isReadable = false
        case .wantsWrite: connection.isWritable = false
        case .closed, .failed:
            counts.refusedHandshake += 1
            close(connection)
        }
    }

    func receive(_ connection: Connection, into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        if let tls = connection.tls, connection.phase != .lingering { return result(tls.read(into: buffer)) }
        let result = Socket.receive(connection.fd, into: buffer)
        // A short read has emptied the socket: the next byte, or the end, is a new edge (epoll(7)).
        if case .bytes(let count) = result, count < buffer.count, !connection.peerFinishedSending {
            connection.isReadable = false
        }
        return result
    }

    func send(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> TransferResult {
        if let tls = connection.tls { return result(tls.write(bytes)) }
        return Socket.send(connection.fd, bytes)
    }

    /// Both in order; may take less than all, and under TLS takes of the first only.
    func send(
        _ connection: Connection, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> TransferResult {
        if let tls = connection.tls { return result(tls.write(first)) }
        return Socket.send(connection.fd, first, second)
    }

    func finishSending(_ connection: Connection) {
        connection.tls?.finishWriting()
        Socket.finishSending(connection.fd)
    }

    func finishTransport(_ connection: Connection) {
        connection.tls?.finishWriting()
        connection.tls = nil
    }

    /// TLS may want to read in order to write and the reverse, so every event of its socket opens both (see
    /// `dispatch`).
    private func result(_ result: TLSResult) -> TransferResult {
        switch result {
        case .bytes(let count): .bytes(count)
        case .wantsRead, .wantsWrite: .blocked
        case .closed: .ended
        case .failed: .failed
        }
    }
}

import CLinux
import Glibc

/// The outcome of one read or write on a socket that never blocks.
enum TransferResult {
    /// At least one byte.
    case bytes(Int)
    /// Nothing now; epoll says when.
    case blocked
    /// The peer has finished sending.
    case ended
    case failed
}

/// System calls on sockets; the one place where EINTR is retried.
enum Socket {
    static func receive(_ fd: Int32, into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        result(retrying { recv(fd, buffer.baseAddress, buffer.count, 0) })
    }

    static func send(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) -> TransferResult {
        result(retrying { clinux_send(fd, bytes.baseAddress, bytes.count) })
    }

    /// Both in one call and in this order; the count covers both.
    static func send(_ fd: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> TransferResult {
        result(
            retrying { clinux_send_two(fd, first.baseAddress, first.count, second.baseAddress, second.count) })
    }

    static func finishSending(_ fd: Int32) { _ = clinux_shutdown_write(fd) }

    /// Never retried: on Linux the descriptor is gone even after EINTR.
    static func close(_ fd: Int32) { _ = Glibc.close(fd) }

    static func setOption(_ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32 = 1) -> Bool {
        withUnsafePointer(to: value) { setsockopt(fd, level, option, $0, socklen_t(MemoryLayout<Int32>.size)) == 0 }
    }

    static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    private static func result(_ count: Int) -> TransferResult {
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .blocked : .failed
    }
}

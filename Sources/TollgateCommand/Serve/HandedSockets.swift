import Glibc
import HTTPCore
import HTTPServer

/// Listening sockets that come from outside, by systemd's protocol (sd_listen_fds(3)): descriptors from 3 on, counted
/// by `LISTEN_FDS`, meant for the process `LISTEN_PID`. A service manager hands them over, and so does a gateway that
/// makes room for another program.
enum HandedSockets {
    private static let first: Int32 = 3
    private static let countMax = 1_024
    private static let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]

    /// Takes what the environment says is ours, and the words out of it: children have no such sockets. Call before
    /// anything else opens a descriptor, and before there are threads.
    static func take() throws(CommandFailure) -> [Int32] {
        defer { for name in names { unsetenv(name) } }
        guard let process = text("LISTEN_PID"), Int32(process) == getpid(), let count = text("LISTEN_FDS") else {
            return []
        }
        guard let count = Int32(count), (0...Int32(countMax)).contains(count) else {
            throw .failed("LISTEN_FDS is no number from 0 to \(countMax)")
        }
        let sockets = Array(first..<first + count)
        for socket in sockets { _ = fcntl(socket, F_SETFD, FD_CLOEXEC) }
        return sockets
    }

    /// Gives each listener the sockets that listen there. One that no listener names is an error, since somebody would
    /// wait behind it for ever. A listener of port 0 takes those of its address that no other names.
    static func assign(_ sockets: [Int32], to listeners: [Listener]) throws(CommandFailure) -> [Listener] {
        var handed = [[Int32]](repeating: [], count: listeners.count)
        for socket in sockets {
            guard let place = HandedSocket.place(of: socket) else {
                throw .failed("descriptor \(socket), which was handed over, is not a listening TCP socket")
            }
            let index =
                listeners.firstIndex { $0.isAt(place.address, place.port) }
                ?? listeners.firstIndex { $0.isAt(place.address, 0) }
            guard let index else {
                throw .failed(
                    "a socket at \(text(of: place)) was handed over, and no --listen or --admin-listen names it; "
                        + "name it, or take it out of the socket unit")
            }
            handed[index].append(socket)
        }
        return zip(listeners, handed).map { Listener($0.place, role: $0.role, tls: $0.tls, handed: $1) }
    }

    /// Becomes the program at this path, with the arguments and the environment of this one and these sockets. Returns
    /// where it cannot, with the reason.
    static func become(_ program: String, with sockets: [Int32]) -> String {
        // Their copies first go above the places that they are to have.
        let beyond = sockets.map { fcntl($0, F_DUPFD_CLOEXEC, first + Int32(sockets.count)) }
        for (index, socket) in beyond.enumerated() where socket >= 0 { dup2(socket, first + Int32(index)) }
        setenv("LISTEN_PID", String(getpid()), 1)
        setenv("LISTEN_FDS", String(sockets.count), 1)
        let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv(program, arguments)
        return String(cString: strerror(errno))
    }

    private static func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func text(of place: (address: IPAddress, port: UInt16)) -> String {
        place.address.isIPv4 ? "\(place.address):\(place.port)" : "[\(place.address)]:\(place.port)"
    }
}

extension Listener {
    fileprivate func isAt(_ address: IPAddress, _ port: UInt16) -> Bool {
        guard case .tcp(let own, let ownPort) = place else { return false }
        return own == address && ownPort == port
    }
}

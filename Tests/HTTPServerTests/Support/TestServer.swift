import Glibc
import HTTPCore
import HTTPServer
import RawHTTP
import Synchronization
import Testing

/// A server on a free port of loopback, stopped when the test lets go of it.
final class TestServer: Sendable {
    let server: Server
    let handler = TestHandler()
    var port: UInt16 { server.ports[0] }

    init(
        limits: ServerLimits = .patient, listeners: [Listener] = [Listener(.tcp(.loopback, port: 0))],
        loops: Int = 2
    ) throws {
        server = try Server.start(listeners: listeners, handler: handler, limits: limits, loopCount: loops)
    }

    deinit { server.stop() }

    func client() throws -> RawClient { try RawClient(port: port) }
}

extension ServerLimits {
    /// Deadlines that a busy machine does not reach; tests of deadlines set their own.
    static var patient: ServerLimits {
        var limits = ServerLimits.guarded
        let tenMinutes = 600_000
        limits.headMilliseconds = tenMinutes
        limits.bodyPauseMilliseconds = tenMinutes
        limits.writeStallMilliseconds = tenMinutes
        limits.keepAliveMilliseconds = tenMinutes
        limits.tlsHandshakeMilliseconds = tenMinutes
        return limits
    }
}

/// Looks until something is so; a test that would wait longer than this fails. It keeps its thread meanwhile: whoever
/// lets go of it stands in line behind every test that has not begun, longer than a connection is patient.
func eventually(_ what: Comment, _ isSo: () -> Bool) {
    let deadline = ContinuousClock.now + .seconds(120)
    while !isSo() {
        if ContinuousClock.now > deadline {
            Issue.record(what)
            return
        }
        usleep(200)
    }
}

import Foundation
import Synchronization
import TestTenants
import Testing

@testable import HTTPClient

/// Calls to other nodes as they go out (N1).
@Suite struct PeerClientTests {
    private final class Caller: PeerCaller {
        let outcome = Promise<Int>()
        func wantsBody(_ exchange: PeerExchange) {}
        func answered(_ answer: PeerAnswer) { outcome.succeed(answer.status) }
        func failed(_ failure: PeerFailure) { outcome.fail(failure) }
    }

    /// `hosts`: what the machine says that the node's name is.
    private func call(_ port: UInt16, hosts: [String], _ count: Int) throws -> [Result<Int, any Error>] {
        let found = try hosts.map { host in
            try #require(PeerAddress("\(host):\(port)").flatMap { PeerSocketAddress.literal($0) })
        }
        let client = try PeerClient(find: { _ in found })
        defer { client.close() }
        let address = try #require(PeerAddress("node.test:\(port)"))
        let callers = (0..<count).map { _ in Caller() }
        for caller in callers {
            let request = PeerRequest(
                to: address, group: 1, body: .whole([]), isHead: false,
                head: { _ in Array("GET / HTTP/1.1\r\nHost: node.test\r\n\r\n".utf8) }, isWorthWaiting: { true })
            _ = client.send(request, for: caller)
        }
        return try callers.map { try $0.outcome.result() }
    }

    @Test("N1 a node is reached by whichever of its name's addresses it listens at")
    func addresses() throws {
        let server = try EchoServer()
        let port = try #require(server.baseURL.split(separator: ":").last.flatMap { UInt16($0) })
        // It listens at the last one alone.
        let outcomes = try call(port, hosts: ["127.0.0.2", "127.0.0.3", "127.0.0.1"], 5)
        for outcome in outcomes { _ = try outcome.get() }
    }

    @Test("N1 a node that listens at none of its name's addresses got nothing of the call")
    func nowhere() throws {
        for outcome in try call(FreePort.take(), hosts: ["127.0.0.2", "127.0.0.1"], 3) {
            #expect(throws: PeerFailure.notSent) { _ = try outcome.get() }
        }
    }
}

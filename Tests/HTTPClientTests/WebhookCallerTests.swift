import Dispatch
import HTTPClient
import HTTPCore
import Synchronization
import Testing

@Suite("Webhooks")
struct WebhookCallerTests {
    let server: EchoServer

    init() throws { server = try EchoServer() }

    /// Results as they come, waited for by count.
    private final class Results: Sendable {
        private let all = Mutex<[WebhookResult]>([])
        private let arrived = DispatchSemaphore(value: 0)

        func add(_ result: WebhookResult) {
            all.withLock { $0.append(result) }
            arrived.signal()
        }

        var count: Int { all.withLock { $0.count } }

        func wait(for count: Int) -> [WebhookResult] {
            for _ in 0..<count { arrived.wait() }
            return all.withLock { $0 }
        }
    }

    private func caller() throws -> WebhookCaller {
        let caller = try WebhookCaller(callsMax: 64)
        caller.start { $0 + 1_000 }
        return caller
    }

    private func call(_ url: String, rule: AddressRule = .any, reuses: Bool = true) throws -> WebhookCall {
        WebhookCall(
            address: try #require(WebAddress(parsing: url)), url: url, headers: ["webhook-id: evt_1"],
            body: [UInt8]("abc".utf8), addressRule: rule, reuses: reuses)
    }

    private func result(_ caller: WebhookCaller, _ call: WebhookCall) -> WebhookResult {
        let results = Results()
        let then: WebhookCaller.Then = { results.add($0) }
        caller.send([(call, then)])
        return results.wait(for: 1)[0]
    }

    @Test("H3 a webhook arrives as a POST with its headers and bytes, and says where it went and what was answered")
    func arrives() throws {
        let caller = try caller()
        defer { caller.close() }
        let result = result(caller, try call(server.baseURL + "/hook"))
        #expect(result.ending == .answered(status: 200))
        #expect(result.address == "127.0.0.1")
        let text = String(decoding: result.excerpt, as: UTF8.self)
        #expect(text.contains(#""method": "POST""#) && text.contains(#""webhook-id", "evt_1""#))
        #expect(text.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        #expect(!text.contains("expect") && !text.contains("accept-encoding"))
    }

    @Test("H6 a connection that was kept is not used once the rule forbids where it leads")
    func keptConnections() throws {
        let caller = try caller()
        defer { caller.close() }
        for _ in 0..<2 {
            #expect(result(caller, try call(server.baseURL + "/hook")).ending == .answered(status: 200))
        }
        let forbidden = result(caller, try call(server.baseURL + "/hook", rule: .publicOnly))
        #expect(forbidden.ending == .addressRefused)
        #expect(result(caller, try call(server.baseURL + "/hook")).ending == .answered(status: 200))
    }

    @Test("H6 a name is judged by what it stands for", arguments: [AddressRule.publicOnly, .any])
    func names(rule: AddressRule) throws {
        let caller = try caller()
        defer { caller.close() }
        let url = server.baseURL.replacing("127.0.0.1", with: "localhost") + "/hook"
        let ending = result(caller, try call(url, rule: rule)).ending
        #expect(ending == (rule == .any ? .answered(status: 200) : .addressRefused))
    }

    @Test("H5 a new connection goes on with the host's session of TLS, whatever path is called")
    func sessions() throws {
        let server = try EchoServer(withTLS: true)
        let caller = try WebhookCaller(callsMax: 64, authorities: server.file("certificate.pem"))
        caller.start { $0 + 1_000 }
        defer { caller.close() }
        let resumed = try ["/one", "/two", "/three"].map { path in
            let result = result(caller, try call(server.baseURL + path, reuses: false))
            #expect(result.ending == .answered(status: 200))
            return String(decoding: result.excerpt, as: UTF8.self).contains(#""resumed": true"#)
        }
        #expect(resumed == [false, true, true])
    }

    @Test("H3 more than 64 KiB of an answer are not read, and its status counts all the same")
    func longAnswers() throws {
        let caller = try caller()
        defer { caller.close() }
        let result = result(caller, try call(server.baseURL + "/bytes/10000000"))
        #expect(result.ending == .answered(status: 200))
        #expect(result.excerpt.count == WebhookCall.excerptBytesMax)
        #expect(self.result(caller, try call(server.baseURL + "/redirect")).ending == .answered(status: 302))
    }

    @Test("H5 calls that are sent together are each answered once")
    func many() throws {
        let caller = try caller()
        defer { caller.close() }
        let results = Results()
        let one = try call(server.baseURL + "/hook")
        for _ in 0..<10 {
            caller.send((0..<5).map { _ in (one, { results.add($0) }) })
            #expect(results.wait(for: 5).allSatisfy { $0.ending == .answered(status: 200) })
        }
        #expect(results.count == 50)
    }

    @Test("H3 what is under way when the node stops is interrupted, once each")
    func closing() throws {
        let caller = try caller()
        let results = Results()
        let slow = try call(server.baseURL + "/hook")
        let then: WebhookCaller.Then = { results.add($0) }
        caller.send((0..<20).map { _ in (slow, then) })
        caller.close()
        caller.send([(slow, then)])
        let all = results.wait(for: 21)
        #expect(all.count == 21 && all.last?.ending == .interrupted)
    }
}

import Foundation
import HTTPClient
import Synchronization
import Testing

@Suite("Outbound calls")
struct OutboundCallerTests {
    let server: EchoServer

    init() throws { server = try EchoServer() }

    private typealias Outcome = Result<HTTPClientResponse, HTTPClientError>

    private func call(_ path: String) -> OutboundCall {
        var call = OutboundCall(url: server.baseURL + path, headers: [("X-One", "1")], body: [UInt8]("abc".utf8))
        call.addressRule = .any
        return call
    }

    private func answer(_ caller: OutboundCaller, _ call: OutboundCall, group: String = "a") -> Outcome {
        let outcomes = Outcomes()
        #expect(caller.send(call, group: group) { outcomes.add($0) })
        return outcomes.wait(for: 1)[0]
    }

    @Test("a call arrives as a POST with its headers and its body")
    func arrives() throws {
        let caller = try OutboundCaller()
        defer { caller.close() }
        let response = try answer(caller, call("/pay")).get()
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(
            response.status == 200 && text.contains(#""method": "POST""#) && text.contains(#""x-one", "1""#)
                && !text.contains("expect"))
        #expect(text.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
    }

    @Test("redirects are answers, an answer that is too long is refused, nobody there is told")
    func answers() throws {
        let caller = try OutboundCaller()
        defer { caller.close() }
        #expect(try answer(caller, call("/redirect")).get().status == 302)
        #expect(throws: HTTPClientError.responseTooLong(bytesMax: 64 << 10)) {
            try answer(caller, call("/bytes/100000")).get()
        }
        var nowhere = call("/")
        nowhere.url = "http://127.0.0.1:1/"
        nowhere.pauseMilliseconds = 1
        guard case .failure(.unreachable) = answer(caller, nowhere) else {
            Issue.record("somebody answers at port 1")
            return
        }
    }

    @Test("H6 an address that the rule forbids is not connected to, by number or by name")
    func addresses() throws {
        let caller = try OutboundCaller()
        defer { caller.close() }
        for host in ["127.0.0.1", "localhost", "127.1", "2130706433"] {
            var forbidden = call("/")
            forbidden.url = server.baseURL.replacingOccurrences(of: "127.0.0.1", with: host)
            forbidden.addressRule = .publicOnly
            #expect(throws: HTTPClientError.addressNotAllowed) { try answer(caller, forbidden).get() }
            forbidden.addressRule = .privateOnly
            #expect(try answer(caller, forbidden).get().status == 200)
        }
    }

    @Test("a group whose service is silent fills its own places and nobody else's; closing answers every call once")
    func groups() throws {
        let caller = try OutboundCaller()
        let silent = Outcomes()
        var stuck = call("/silent")
        stuck.attemptMilliseconds = 60_000
        stuck.totalMilliseconds = 60_000
        let places = OutboundCaller.groupRunningMax * 9
        for _ in 0..<places { #expect(caller.send(stuck, group: "slow") { silent.add($0) }) }
        #expect(try answer(caller, call("/pay"), group: "quick").get().status == 200)
        caller.close()
        let outcomes = silent.wait(for: places)
        #expect(outcomes.count == places)
        for outcome in outcomes { #expect(throws: HTTPClientError.self) { try outcome.get() } }
        #expect(!caller.send(call("/pay"), group: "quick") { _ in Issue.record("closed and answered") })
    }

    @Test("time is up for a silent service after its attempts, for one that waited for a place too")
    func deadlines() throws {
        let caller = try OutboundCaller()
        defer { caller.close() }
        let outcomes = Outcomes()
        var brief = call("/silent")
        brief.attemptMilliseconds = 100
        brief.totalMilliseconds = 250
        brief.pauseMilliseconds = 10
        let count = OutboundCaller.groupRunningMax * 4
        for _ in 0..<count { #expect(caller.send(brief, group: "slow") { outcomes.add($0) }) }
        for outcome in outcomes.wait(for: count) { #expect(throws: HTTPClientError.timedOut) { try outcome.get() } }
    }
}

/// What calls came to. Any thread.
private final class Outcomes: Sendable {
    private static let patienceSeconds = 60
    private let all = Mutex<[Result<HTTPClientResponse, HTTPClientError>]>([])
    private let came = DispatchSemaphore(value: 0)

    func add(_ outcome: Result<HTTPClientResponse, HTTPClientError>) {
        all.withLock { $0.append(outcome) }
        came.signal()
    }

    func wait(for count: Int) -> [Result<HTTPClientResponse, HTTPClientError>] {
        for _ in 0..<count where came.wait(timeout: .now() + .seconds(Self.patienceSeconds)) == .timedOut {
            Issue.record("an answer never came")
            break
        }
        return all.withLock { $0 }
    }
}

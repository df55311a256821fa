import CallKit
import Synchronization
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct EventWaitTests {
    /// What those who waited were told, in order.
    private final class Told: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ name: String, _ hasCome: Bool) { all.withLock { $0.append("\(name) \(hasCome)") } }
        var words: [String] { all.withLock { $0 } }
    }

    @Test("H4 who waits for an event hears of the next one of theirs, once, and of one that came before the wait")
    func signals() throws {
        let office = try PostOffice.open()
        let (waits, told, record) = (EventWaits(), Told(), office.shop.record)
        let (first, second) = (office.shop.resellerIDs[0], office.shop.resellerIDs[1])
        func begin(_ name: String, _ reseller: Int64, since seen: Int? = nil) {
            waits.begin(
                for: record, reseller: reseller, since: seen ?? record.events.count(of: reseller), until: 100
            ) { told.add(name, $0) }
        }
        let before = record.events.count(of: first)
        begin("first", first)
        begin("second", second)
        begin("operator", 0)
        #expect(told.words.isEmpty)
        try office.post()
        #expect(Set(told.words) == ["first true", "operator true"])
        begin("late", first, since: before)
        #expect(told.words.last == "late true")
        try office.post()
        #expect(told.words.count == 3)
        waits.tick(99)
        #expect(told.words.count == 3)
        waits.tick(100)
        #expect(told.words.last == "second false")
        try office.post(of: 1)
        #expect(told.words.count == 4)
        try office.close()
    }

    @Test("H4 all that wait are answered when the node stops, and nobody waits after that")
    func stopping() throws {
        let office = try PostOffice.open()
        let (waits, told, record) = (EventWaits(), Told(), office.shop.record)
        let reseller = office.reseller
        func begin(_ name: String, _ reseller: Int64) {
            waits.begin(
                for: record, reseller: reseller, since: record.events.count(of: reseller), until: .max
            ) { told.add(name, $0) }
        }
        for name in ["one", "two"] { begin(name, reseller) }
        begin("operator", 0)
        #expect(told.words.isEmpty)
        waits.close()
        #expect(Set(told.words) == ["one false", "two false", "operator false"])
        begin("after", reseller)
        #expect(told.words.last == "after false")
        try office.close()
    }
}

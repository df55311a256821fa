import RateLimiter
import TenantRegistry
import TestTenants
import Testing

@testable import Gateway

/// Places of calls to provisioners.
@Suite struct ProvisioningPlacesTests {
    private func opened(node: Int, silent: Int) -> ProvisioningPlaces {
        var figures = BudgetFigures()
        figures[.provisioningNode] = node
        figures[.provisioningSilent] = silent
        return ProvisioningPlaces(Budgets(figures))
    }

    @Test("G6 W13 who finds the node full of calls to provisioners comes next as places come back, once each")
    func order() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let records = try (0..<4).map { try node.create("shop\($0)") }
        let places = opened(node: 2, silent: 2)
        let first = try #require(places.enter(records[0], isSilent: false))
        let second = try #require(places.enter(records[1], isSilent: false))
        for record in [records[2], records[3], records[2]] {
            #expect(places.enter(record, isSilent: false) == nil)
        }
        #expect(places.leave(first).map(\.id) == [records[2].id])
        #expect(places.enter(records[2], isSilent: false) != nil)
        #expect(places.leave(second).map(\.id) == [records[3].id])
        let last = try #require(places.enter(records[3], isSilent: false))
        #expect(places.leave(last).isEmpty)
    }

    @Test("G6 W13 provisioners that were silent wait for a place of theirs while others are asked")
    func silence() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let records = try (0..<3).map { try node.create("shop\($0)") }
        let places = opened(node: 8, silent: 1)
        let silent = try #require(places.enter(records[0], isSilent: true))
        #expect(places.enter(records[1], isSilent: true) == nil)
        let prompt = try #require(places.enter(records[1], isSilent: false))
        let other = try #require(places.enter(records[2], isSilent: false))
        // Their end makes no room for one that was silent.
        #expect(places.leave(prompt).isEmpty && places.leave(other).isEmpty)
        #expect(places.leave(silent).map(\.id) == [records[1].id])
        #expect(places.enter(records[1], isSilent: true) != nil)
    }

    @Test("G6 W13 who is woken for a place and has nothing to ask any more passes the turn on, down the whole line")
    func passing() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let records = try (0..<5).map { try node.create("shop\($0)") }
        let places = opened(node: 1, silent: 1)
        let first = try #require(places.enter(records[0], isSilent: false))
        for record in records[1...3] { #expect(places.enter(record, isSilent: false) == nil) }
        // Nobody has a turn while there is no room.
        #expect(places.pass(records[4].id).isEmpty)
        #expect(places.leave(first).map(\.id) == [records[1].id])
        // The one free place is promised: somebody else's look gives nobody a second turn.
        #expect(places.pass(records[4].id).isEmpty)
        #expect(places.pass(records[1].id).map(\.id) == [records[2].id])
        let second = try #require(places.enter(records[2], isSilent: false))
        #expect(places.pass(records[2].id).isEmpty)
        #expect(places.leave(second).map(\.id) == [records[3].id])
        #expect(places.pass(records[3].id).isEmpty)
    }

    @Test("G6 W13 a turn of provisioners that were silent is passed on to those, and one place wakes one of them")
    func silentPassing() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let records = try (0..<3).map { try node.create("shop\($0)") }
        let places = opened(node: 8, silent: 1)
        let silent = try #require(places.enter(records[0], isSilent: true))
        for record in records[1...] { #expect(places.enter(record, isSilent: true) == nil) }
        #expect(places.leave(silent).map(\.id) == [records[1].id])
        #expect(places.pass(records[1].id).map(\.id) == [records[2].id])
        #expect(places.enter(records[2], isSilent: true) != nil)
    }
}

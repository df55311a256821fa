import TenantRegistry
import TestTenants
import Testing

@Suite struct RosterTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// The slugs of all pages of so many tenants.
    private func pages(_ roster: Roster, of limit: Int) -> [String] {
        var slugs: [String] = []
        while true {
            let page = roster.tenants(after: slugs.last, limit: limit).map(\.slug)
            if page.isEmpty { return slugs }
            #expect(page.count <= limit)
            slugs += page
        }
    }

    @Test("P2 pages show every tenant once, by slug, whatever their size; who comes and goes is shown and gone at once")
    func paging() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let roster = node.fleet.roster
        #expect(pages(roster, of: 3).isEmpty)
        var slugs: [String] = []
        for slug in ["m", "a-b", "a", "zz", "0", "a0", "z"] {
            try node.create(slug)
            slugs = (slugs + [slug]).sorted()
            #expect(pages(roster, of: 3) == slugs)
        }
        for limit in 1...8 { #expect(pages(roster, of: limit) == slugs) }
        // A place between slugs, before all of them and behind: whoever it named may have gone.
        #expect(roster.tenants(after: "a-a", limit: 2).map(\.slug) == ["a-b", "a0"])
        #expect(roster.tenants(after: "", limit: 1).map(\.slug) == ["0"])
        #expect(roster.tenants(after: "zzz", limit: 1).isEmpty)
        roster.remove(try node.tenant("a0"))
        slugs.removeAll { $0 == "a0" }
        #expect(pages(roster, of: 2) == slugs)
        #expect(roster.tenants(after: "a0", limit: 1).map(\.slug) == ["m"])
    }
}

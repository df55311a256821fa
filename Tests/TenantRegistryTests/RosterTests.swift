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

    @Test("N5 P5 a tenant that goes takes neither the slug nor the host along that another has by then")
    func madeAnew() throws {
        let (node, other) = (try TestNode(folder.file("data")), try TestNode(folder.file("other"), seed: 2))
        defer { for each in [node, other] { each.stop() } }
        let (roster, former) = (node.fleet.roster, try node.create("shop"))
        roster.update(former) { $0.domains = ["own.example"] }
        let heir = try other.create("shop")
        other.fleet.roster.update(heir) { $0.domains = ["own.example"] }
        roster.add(heir)
        defer { roster.remove(heir) }
        roster.remove(former)
        #expect(roster.tenant(slug: "shop") === heir && roster.tenant(host: "own.example") === heir)
    }
}

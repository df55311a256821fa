import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// What a reseller does with its customers and its prices, without HTTP.
@Suite struct PortCustomerTests {
    private static let rows = "device,server_ip,http_port,socks_port,country,mode\nd1,192.0.2.1,1,2,germany_id,shared\n"

    private func withMarket(_ body: (PortMarket) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        try body(try PortMarket.open(node, rows: Self.rows))
    }

    @Test("X3 what a reseller calls a customer is one customer's of a book, and of that reseller alone")
    func externalIDs() throws {
        try withMarket { market in
            func create(_ number: Int, _ book: Book) throws -> String? {
                let create = CreatePortCustomer(
                    email: "c@example.com", name: nil, company: nil, allocatedPortSlots: 1, externalID: "crm-1",
                    resellerID: market.resellers[number], book: book)
                return try market.node.write(market.record, book: book) { tenant, detail in
                    try create.run(tenant, &detail).customer.externalID
                }
            }
            var made = [try create(0, .live)]
            #expect(throws: Refusal.conflict(.externalIDTaken)) { _ = try create(0, .live) }
            made += [try create(0, .test), try create(1, .live)]
            #expect(made == ["crm-1", "crm-1", "crm-1"])
        }
    }

    @Test("X2 a price book keeps a margin, and the rule that its mode goes by; what is left out stays")
    func pricebook() throws {
        try withMarket { market in
            let reseller = market.resellers[0]
            func change(_ say: (inout ChangePortPricebook) -> Void) throws -> PortPricebook {
                var change = ChangePortPricebook(resellerID: reseller, book: .live)
                say(&change)
                return try market.node.write(market.record) { [change] tenant, detail in
                    try change.run(tenant, &detail)
                    return try tenant.portPricebook(resellerID: reseller, book: .live)
                }
            }
            #expect(throws: Refusal.field("/defaultMarginPercent", "type", "cannot be null")) {
                _ = try change { $0.defaults.margin = .some(nil) }
            }
            #expect(throws: Refusal.field("/fixedPrice", "required", "is required by the mode fixed")) {
                _ = try change { $0.mode = .fixed }
            }
            let fixed = try change { change in
                change.mode = .fixed
                change.port = ChangePortPricebook.Level(fixed: .some(Money(micros: 3_000_000)))
            }
            #expect(fixed.mode == .fixed && fixed.port.fixed == Money(micros: 3_000_000))
            #expect(fixed.port.margin == .standard && fixed.defaults == PortPricebook().defaults)
            // The mode's rule goes, and with it the book would have none.
            #expect(throws: Refusal.field("/fixedPrice", "required", "is required by the mode fixed")) {
                _ = try change { $0.port = .cleared }
            }
            let kept = try market.node.read(market.record) { try $0.portPricebook(resellerID: reseller, book: .live) }
            #expect(kept == fixed)
        }
    }
}

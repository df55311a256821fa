import CallKit
import TenantApp
import TenantRegistry
import TestTenants

/// A tenant with two resellers and one product to sell licences of, and its clock.
struct Stock {
    let shop: Shop
    var node: TestNode { shop.node }

    static func open(_ body: (Stock) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let stock = Stock(shop: try Shop.open(node))
        try body(stock)
        // Whatever a test did, the file verifies.
        let report = try Verifier(path: try node.export(stock.shop.record)).run()
        guard report.isSound else { throw Unsound(text: report.text) }
    }

    struct Unsound: Error { let text: String }

    var reseller: Int64 { shop.resellerIDs[0] }
    var other: Int64 { shop.resellerIDs[1] }

    func add(_ keys: [String], to reseller: Int64, book: Book = .live, days: Int64 = 365) throws {
        try node.write(shop.record, book: book) { tenant, detail in
            let product = try tenant.knownProduct("instant")
            let rows = keys.enumerated().map { index, key in
                StagedLicence(
                    place: index, resellerID: reseller, productID: product.id, key: key,
                    expiresAt: tenant.now.adding(days: days))
            }
            try tenant.stage(rows, importID: 1)
            guard
                try tenant.applyStagedLicences(importID: 1, count: Int64(rows.count), book: book, detail: &detail)
            else { throw Refusal.conflict(Conflict("taken", "")) }
        }
    }

    /// Nil where there is none left.
    func fetch(_ reseller: Int64, book: Book = .live) throws -> String? {
        do {
            return try node.write(shop.record, book: book) { tenant, detail in
                try FetchLicence(resellerID: reseller, book: book).run(tenant, &detail).key
            }
        } catch Refusal.notFound(.availableLicence) {
            return nil
        }
    }

    func assign(_ key: String, to user: String, by reseller: Int64, book: Book = .live) throws {
        try node.write(shop.record, book: book) { tenant, detail in
            try AssignLicence(licenceKey: key, discordUserID: user, resellerID: reseller, book: book, keyID: 1)
                .run(tenant, &detail)
        }
    }

    func available(_ reseller: Int64, book: Book = .live) throws -> Set<String> {
        try node.read(shop.record) { tenant in
            Set(try tenant.availableLicences(resellerID: reseller, book: book, after: 0, limit: 10_000).map(\.key))
        }
    }
}

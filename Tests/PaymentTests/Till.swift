import CallKit
import Cryptography
import TenantApp
import TenantRegistry
import TestTenants

/// A tenant whose resellers top up by payments, without HTTP: payments are begun, reported on and read as the routes do
/// it.
struct Till {
    let node: TestNode
    let shop: Shop
    var record: TenantRecord { shop.record }

    static let secret = [UInt8](repeating: 7, count: 32)

    /// With a payment service in force, or none.
    static func open(_ node: TestNode, driver: NewPaymentService.Driver? = http) throws -> Till {
        let shop = try Shop.open(node)
        if let driver {
            _ = try node.write(shop.record) { tenant, detail in
                try ConfigurePayments(NewPaymentService(driver)).run(tenant, &detail)?.driver
            }
        }
        return Till(node: node, shop: shop)
    }

    static let http = NewPaymentService.Driver.http(
        createURL: "https://pay.example/v1", apiKey: "the-key-of-the-service", webhookSecret: secret,
        callbackURL: "https://shop.example/callback", returnURL: "https://shop.example/")

    func begin(
        _ reseller: Int = 0, micros: Int64 = 50_000_000, book: Book = .live, key: String? = nil
    ) throws -> Payment {
        let id = shop.resellerIDs[reseller]
        return try node.write(record, "POST /api/reseller/topup", book: book) { tenant, detail in
            try CreateTopUp(
                amount: Money(micros: micros), resellerID: id, book: book, keyID: 0, idempotencyKey: key
            ).run(tenant, &detail).payment
        }
    }

    @discardableResult
    func report(
        _ payment: Payment, _ report: PaymentReport = .confirmed, amount: String? = nil, currency: String = "EUR"
    ) throws -> ConfirmTopUp.Outcome {
        let amount = amount ?? payment.amount.decimal(minorUnitDigits: 2)
        return try node.write(record, "POST /api/reseller/topup/webhook", book: payment.book) { tenant, detail in
            try ConfirmTopUp(paymentID: payment.id, report: report, amount: amount, currency: currency)
                .run(tenant, &detail)
        }
    }

    func read(_ payment: Payment) throws -> Payment {
        try node.read(record) { try $0.knownPayment(id: payment.id) }
    }

    func balance(_ reseller: Int = 0, book: Book = .live) throws -> Int64 {
        let id = shop.resellerIDs[reseller]
        return try node.read(record) { try $0.balance(.balance(reseller: id), book: book).micros }
    }

    func openReviews(_ book: Book = .live) throws -> Int {
        try node.read(record) {
            try $0.reviews(resellerID: nil, book: book, state: .open, before: .max, limit: 1_000).count
        }
    }

    /// What the offline verifier finds wrong.
    func faults() throws -> [String] {
        try Verifier(path: try node.export(record)).run().findings.map { "\($0.place): \($0.text)" }
    }
}

/// A till in a folder of its own; the file must verify at the end, whatever was done.
func withTill(
    driver: NewPaymentService.Driver? = Till.http, seed: UInt64 = 1, _ body: (Till, TestFolder) throws -> Void
) throws {
    let folder = try TestFolder()
    let node = try TestNode(folder.file("data"), seed: seed)
    defer { node.stop() }
    let till = try Till.open(node, driver: driver)
    try body(till, folder)
    let faults = try till.faults()
    if !faults.isEmpty { throw Unsound(faults: faults) }
}

struct Unsound: Error {
    let faults: [String]
}

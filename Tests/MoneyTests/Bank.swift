import CallKit
import Cryptography
import TenantApp
import TenantRegistry
import TestTenants

/// A tenant that sells everything that costs money: products, codes and ports, with three resellers and two customers
/// of each in either book; and the model beside it. Each call does the same to both.
struct Bank {
    static let sellerCount = 3
    static let customerCount = 2
    static let start = TestNode.start

    var node: TestNode
    var record: TenantRecord
    let resellers: [Reseller]
    /// Public ids and ids, by book, reseller and place.
    let customers: [Book: [[(publicID: String, id: Int64)]]]
    private(set) var model: BankModel
    private var payments: [(payment: Payment, seller: Int, isDecided: Bool)] = []

    init(_ node: TestNode, _ random: SeededRandom) throws {
        self.node = node
        record = try node.create("bank", currency: "EUR")
        var prices: [[String: BankModel.Prices]] = []
        for _ in 0..<Self.sellerCount {
            // Of six decimals, so that rounding has something to do.
            prices.append([
                "instant": BankModel.Prices(
                    price: Int64(random.below(9_000_000)), rate: Int64(random.below(1_000_000)),
                    setup: Int64(random.below(2_000_000)), cap: nil),
                "manual": BankModel.Prices(
                    price: Int64(random.below(20_000_000)), rate: Int64(random.below(300_000)), setup: 0, cap: 9),
            ])
        }
        (resellers, customers) = try node.write(record) { [prices] tenant, _ in try Self.furnish(tenant, prices) }
        let sellers = prices.map {
            BankModel.Seller(customers: [Int64](repeating: 0, count: Self.customerCount), prices: $0)
        }
        model = BankModel(sellers: [.live: sellers, .test: sellers])
    }

    private typealias Customers = [Book: [[(publicID: String, id: Int64)]]]

    private static func furnish(
        _ tenant: TenantTransaction, _ prices: [[String: BankModel.Prices]]
    ) throws -> ([Reseller], [Book: [[(publicID: String, id: Int64)]]]) {
        for (sku, fulfilment) in [("instant", Fulfilment.instant), ("manual", .manual)] {
            _ = try tenant.insertProduct(
                sku: sku, name: sku, fulfilment: fulfilment, isHidden: false, days: nil, retailPrice: nil)
        }
        for (sku, price) in BankModel.plans {
            _ = try tenant.insertProduct(
                sku: sku, name: sku, fulfilment: .instant, isHidden: false, days: 30, retailPrice: Money(micros: price),
                wholesalePrice: Money(micros: price))
        }
        try tenant.savePortCountry("de", name: "Germany", basePrice: Money(micros: BankModel.portPrice))
        var file = try PortStockFile(
            Array(
                """
                device,server_ip,http_port,socks_port,country,city,carrier,mode
                one,192.0.2.1,1-7,11-17,de,,,shared
                two,192.0.2.2,1-7,11-17,de,,,shared

                """.utf8), isCSV: true)
        let rows = try file.whole()
        for book in [Book.live, .test] {
            try tenant.takeIn(rows, book: book)
        }
        var resellers: [Reseller] = []
        var customers: Customers = [.live: [], .test: []]
        for (number, rows) in prices.enumerated() {
            let reseller = try tenant.insertReseller(
                email: "r\(number)@example.com", name: "R", company: nil, state: .active, approvedBy: 1)
            resellers.append(reseller)
            for (sku, row) in rows {
                guard let product = try tenant.product(sku: sku) else { throw Refusal.defect }
                try tenant.savePrice(
                    PriceRow(
                        terms: TermPrices(
                            monthly: Money(micros: row.price), hourly: Money(micros: BankModel.hourlyPrice)),
                        setupFee: Money(micros: row.setup),
                        discountRateOverride: Percent(partsPerMillion: row.rate), maxQuantity: row.cap),
                    resellerID: reseller.id, productID: product.id)
            }
            for book in [Book.live, .test] {
                customers[book]?.append(
                    try (0..<customerCount).map { place in
                        let customer = try tenant.insertPortCustomer(
                            email: "c\(place)@example.com", name: nil, company: nil, externalID: nil,
                            allocatedPortSlots: Int64(BankModel.customerSlots), resellerID: reseller.id, book: book)
                        return (customer.publicID, customer.customer.id)
                    })
            }
        }
        return (resellers, customers)
    }

    /// One more operation, drawn at random, on the tenant and on the model; both must agree on whether it is done.
    mutating func step(_ random: SeededRandom) throws -> Step {
        let book: Book = random.below(5) == 0 ? .test : .live
        let seller = Int(random.below(UInt64(Self.sellerCount)))
        let before = model
        var (name, expected, done) = ("", false, false)
        switch random.below(12) {
        case 0, 1:
            let amount = cents(random, 6_000) - (random.below(3) == 0 ? 40_000_000 : 0)
            guard amount != 0 else { return Step(name: "nothing", agrees: true) }
            (name, expected) = ("adjust \(amount)", model.adjust(book, seller, by: amount))
            let id = resellers[seller].publicID
            done = try carriesOut(book, seller) { tenant, detail in
                _ = try AdjustBalance(
                    resellerID: id, amount: Money(micros: amount), reference: "r", book: book, keyID: 0
                ).run(tenant, &detail)
            }
        case 2, 3: return try order(book, seller, random)
        case 4:
            guard !model.pending.isEmpty else { return Step(name: "nothing", agrees: true) }
            let place = Int(random.below(UInt64(model.pending.count)))
            let (id, activate) = (model.pending[place].id, random.below(2) == 0)
            let book = model.pending[place].book
            (name, expected) = ("decide \(activate)", true)
            done = try carriesOut(book, seller) { tenant, detail in
                _ = try DecideOrder(
                    orderID: id, decision: activate ? .activate() : .reject(), accountID: 1, keyID: 0
                ).run(tenant, &detail)
            }
            model.decided(place, activate: activate, now: node.clock.now().milliseconds)
        case 5:
            guard !model.completed.isEmpty else { return Step(name: "nothing", agrees: true) }
            let place = Int(random.below(UInt64(model.completed.count)))
            let book = model.completed[place].book
            let service = model.cancelled(place, now: node.clock.now().milliseconds)
            (name, expected) = ("cancel", true)
            done = try carriesOut(book, seller) { tenant, detail in
                _ = try ChangeService(serviceID: service, move: .cancel).run(tenant, &detail)
            }
        case 6:
            (name, expected, done) = try codes(book, seller, random)
        case 7: return try port(book, seller, random)
        case 8:
            (name, expected, done) = try transfer(book, seller, random)
        case 9: return try payment(book, seller, random)
        case 10:
            let credit = cents(random, 3_000)
            var terms = resellers[seller]
            terms.creditLimit = Money(micros: credit)
            for book in [Book.live, .test] { model[book, seller].credit = credit }
            (name, expected) = ("credit limit \(credit)", true)
            done = try carriesOut(book, seller) { [terms] tenant, _ in try tenant.saveTerms(of: terms) }
        default:
            node.clock.advance(milliseconds: Int64(random.below(3 * 86_400_000)))
            return Step(name: "later", agrees: true)
        }
        if !expected { model = before }
        return Step(name: "\(book.name) \(seller) \(name)", agrees: expected == done)
    }

    private mutating func codes(_ book: Book, _ seller: Int, _ random: SeededRandom) throws -> (String, Bool, Bool) {
        let plan = random.below(2) == 0 ? "1month" : "6month"
        let count = Int64(random.below(5)) + 1
        let expected = model.spend((BankModel.plans[plan] ?? 0) * count, book, seller)
        let id = resellers[seller].id
        let done = try carriesOut(book, seller) { tenant, detail in
            _ = try GenerateCodes(planID: plan, count: count, resellerID: id, book: book, keyID: 1).run(tenant, &detail)
        }
        return ("codes \(plan) × \(count)", expected, done)
    }

    private mutating func transfer(_ book: Book, _ seller: Int, _ random: SeededRandom) throws -> (String, Bool, Bool) {
        let place = Int(random.below(UInt64(Self.customerCount)))
        let reference = random.below(2) == 0 ? "ref \(random.below(4))" : nil
        let amount = cents(random, 1_000) + 10_000
        let expected = model.transfer(amount, book, seller, to: place, reference: reference)
        let (id, customer) = (resellers[seller].id, customers[book]?[seller][place].publicID ?? "")
        let done = try carriesOut(book, seller) { tenant, detail in
            _ = try TransferToCustomer(
                customerID: customer, amount: Money(micros: amount), description: nil, referenceID: reference,
                resellerID: id, book: book, keyID: 0
            ).run(tenant, &detail)
        }
        return ("transfer \(amount) \(reference ?? "")", expected, done)
    }

    struct Step {
        let name: String
        /// The tenant and the model did both, or neither.
        let agrees: Bool
    }

    private func cents(_ random: SeededRandom, _ most: UInt64) -> Int64 { Int64(random.below(most)) * 10_000 }

    private mutating func order(_ book: Book, _ seller: Int, _ random: SeededRandom) throws -> Step {
        let sku = random.below(2) == 0 ? "instant" : "manual"
        let isHourly = random.below(6) == 0
        let quantity = Int64(random.below(4)) + 1
        let expected = model.order(book, seller, sku, quantity, isHourly: isHourly)
        let id = resellers[seller].id
        let request = OrderRequest(
            sku: sku, term: isHourly ? .hourly : .monthly, quantity: quantity, customerExternalID: "c")
        var made: (id: String, services: [String], total: Int64)?
        do {
            made = try node.write(record, "POST /orders", book: book) { tenant, detail in
                detail.resellerID = id
                let result = try PlaceOrder(
                    request: request, resellerID: id, book: book, keyID: 0, idempotencyKey: nil
                ).run(tenant, &detail)
                return (result.orderID, result.serviceIDs, result.price.total.micros)
            }
        } catch is Refusal {}
        if let made, let expected {
            model.ordered(
                BankModel.Order(
                    id: made.id, seller: seller, sku: sku, total: expected, services: made.services, book: book,
                    isHourly: isHourly, begins: sku == "manual" ? nil : node.clock.now().milliseconds,
                    number: model.unitsMade),
                holds: sku == "manual")
        }
        return Step(name: "\(book.name) \(seller) order \(sku) × \(quantity)", agrees: made?.total == expected)
    }

    private mutating func port(_ book: Book, _ seller: Int, _ random: SeededRandom) throws -> Step {
        let place = Int(random.below(UInt64(Self.customerCount)))
        let days = Int64(random.below(6)) + 1
        let expected = model.port(book, seller, place, days: days, now: node.clock.now().milliseconds)
        let (id, customer) = (resellers[seller].id, customers[book]?[seller][place].publicID ?? "")
        var isMade = false
        do {
            isMade = try node.write(record, "POST /ports", book: book) { tenant, detail in
                detail.resellerID = id
                let create = CreatePort(
                    request: .init(customerID: customer, countryID: "de", days: days), resellerID: id, book: book,
                    keyID: 0)
                if case .created = try create.run(tenant, &detail) { return true }
                return false
            }
        } catch is Refusal {}
        return Step(name: "\(book.name) \(seller) port for \(days) days", agrees: isMade == expected)
    }

    /// Begins one, or reports on one that was begun: rightly, with another amount, again.
    private mutating func payment(_ book: Book, _ seller: Int, _ random: SeededRandom) throws -> Step {
        guard random.below(2) == 0, !payments.isEmpty else {
            let (id, amount) = (resellers[seller].id, cents(random, 5_000) + 10_000_000)
            // There is no payment service in the live book but the sandbox, which is put in force first.
            let payment = try node.write(record, "POST /topup", book: book) { tenant, detail in
                if try tenant.paymentService() == nil {
                    _ = try ConfigurePayments(NewPaymentService(.sandbox)).run(tenant, &detail)
                }
                detail.resellerID = id
                return try CreateTopUp(
                    amount: Money(micros: amount), resellerID: id, book: book, keyID: 0, idempotencyKey: nil
                ).run(tenant, &detail).payment
            }
            payments.append((payment, seller, false))
            return Step(name: "payment begun", agrees: true)
        }
        let place = Int(random.below(UInt64(payments.count)))
        let (payment, payer, isDecided) = payments[place]
        let isRight = random.below(4) != 0
        let amount = isRight ? payment.amount : Money(micros: payment.amount.micros + 10_000)
        _ = try node.write(record, "POST /topup/webhook", book: payment.book) { tenant, detail in
            try ConfirmTopUp(
                paymentID: payment.id, report: .confirmed, amount: amount.decimal(minorUnitDigits: 2), currency: "EUR"
            ).run(tenant, &detail)
        }
        if isRight && !isDecided {
            model.paid(payment.amount.micros, payment.book, payer)
            payments[place].isDecided = true
        }
        return Step(name: "payment reported, right: \(isRight), again: \(isDecided)", agrees: true)
    }

    private func carriesOut(
        _ book: Book, _ seller: Int, _ work: @escaping @Sendable (TenantTransaction, inout AuditDetail) throws -> Void
    ) throws -> Bool {
        let id = resellers[seller].id
        do {
            try node.write(record, "POST /test", book: book) { tenant, detail in
                detail.resellerID = id
                try work(tenant, &detail)
            }
            return true
        } catch is Refusal {
            return false
        }
    }

    // MARK: What there is

    func accounts() throws -> [String: Int64] {
        let (resellers, customers) = (resellers.map(\.id), customerIDs)
        return try node.read(record) { tenant in
            var accounts: [String: Int64] = [:]
            for book in [Book.live, .test] {
                accounts["\(book.name) sales"] = try tenant.balance(.sales, book: book).micros
                accounts["\(book.name) funding"] = try tenant.balance(.funding, book: book).micros
                for (number, id) in resellers.enumerated() {
                    accounts["\(book.name) balance \(id)"] = try tenant.balance(.balance(reseller: id), book: book)
                        .micros
                    accounts["\(book.name) held \(id)"] = try tenant.balance(.held(reseller: id), book: book).micros
                    for customer in customers[book]?[number] ?? [] {
                        accounts["\(book.name) customer \(customer)"] =
                            try tenant.balance(.customer(customer, reseller: id), book: book).micros
                    }
                }
            }
            return accounts
        }
    }

    var expected: [String: Int64] { model.accounts(resellers.map(\.id), customerIDs) }

    private var customerIDs: [Book: [[Int64]]] { customers.mapValues { $0.map { $0.map(\.id) } } }
}

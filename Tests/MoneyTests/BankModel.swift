import CallKit
import TenantApp
import TenantRegistry

/// What every balance must be, kept in plain integers and by the rules as the contract words them: nothing here calls
/// the domain. Amounts are micros.
struct BankModel: Equatable {
    struct Prices: Equatable {
        var price: Int64
        /// In parts per million.
        var rate: Int64
        var setup: Int64
        var cap: Int64?

        /// round(quantity × price × (1 − rate)) half up to the cent, and the setup fees rounded apart (W3).
        func total(_ quantity: Int64) -> Int64 {
            let line = (price * (1_000_000 - rate) * quantity + 5_000_000_000) / 10_000_000_000 * 10_000
            return line + (setup * quantity + 5_000) / 10_000 * 10_000
        }
    }

    struct Order: Equatable {
        var id: String
        var seller: Int
        var sku: String
        var total: Int64
        var services: [String]
        var book: Book
        var isHourly: Bool
        /// When its units began, in milliseconds; nil while it is pending.
        var begins: Int64?
        /// Of its first unit: units are numbered as they are made.
        var number: Int64
    }

    /// What hours of a unit that has ended came to, when there was too little for it.
    struct Debt: Equatable {
        var since: Int64
        var number: Int64
        var amount: Int64
    }

    struct Port: Equatable {
        var seller: Int
        var customer: Int
        var book: Book
        var expiresAt: Int64
    }

    struct Seller: Equatable {
        var balance: Int64 = 0
        var held: Int64 = 0
        var credit: Int64 = 0
        var customers: [Int64]
        var units: [String: Int64] = [:]
        /// Those of hourly terms.
        var hourly: [String: Int64] = [:]
        var prices: [String: Prices]
        var debts: [Debt] = []
        /// Transfers by their reference: customer and amount.
        var references: [String: Int64] = [:]

        var available: Int64 { balance + credit }

        /// A day of all hourly units and of these, half up to the cent (W3).
        func day(_ sku: String, _ quantity: Int64) -> Int64 {
            var exact: Int64 = 0
            for (name, row) in prices {
                let units = hourly[name, default: 0] + (name == sku ? quantity : 0)
                exact += units * 24 * BankModel.hourlyPrice * (1_000_000 - row.rate)
            }
            return (exact + 5_000_000_000) / 10_000_000_000 * 10_000
        }
    }

    /// By book, then by number.
    var sellers: [Book: [Seller]]
    var funding: [Book: Int64] = [.live: 0, .test: 0]
    var sales: [Book: Int64] = [.live: 0, .test: 0]
    var pending: [Order] = []
    var completed: [Order] = []
    var ports: [Port] = []
    private(set) var unitsMade: Int64 = 0

    static let plans: [String: Int64] = ["1month": 1_000_000, "6month": 4_990_000]
    static let hourlyPrice: Int64 = 10_500
    static let portPrice: Int64 = 1_370_000
    static let portCapacity = 14
    static let customerSlots = 5

    // MARK: Each answers whether it is allowed, and then has done it

    mutating func adjust(_ book: Book, _ seller: Int, by amount: Int64) -> Bool {
        if amount < 0, self[book, seller].available + amount < 0 { return false }
        self[book, seller].balance += amount
        funding[book, default: 0] -= amount
        return true
    }

    func cost(_ book: Book, _ seller: Int, _ sku: String, _ quantity: Int64, isHourly: Bool) -> Int64? {
        guard var prices = self[book, seller].prices[sku] else { return nil }
        if isHourly { prices.price = 0 }
        return prices.total(quantity)
    }

    /// Nil where it is refused.
    func order(_ book: Book, _ seller: Int, _ sku: String, _ quantity: Int64, isHourly: Bool) -> Int64? {
        guard let prices = self[book, seller].prices[sku],
            let total = cost(book, seller, sku, quantity, isHourly: isHourly)
        else { return nil }
        if let cap = prices.cap, self[book, seller].units[sku, default: 0] + quantity > cap { return nil }
        let day = isHourly ? self[book, seller].day(sku, quantity) : 0
        return canPay(total + day, book, seller) ? total : nil
    }

    mutating func ordered(_ order: Order, holds: Bool) {
        let charged = order.book == .live ? order.total : 0
        unitsMade += Int64(order.services.count)
        self[order.book, order.seller].balance -= charged
        self[order.book, order.seller].units[order.sku, default: 0] += Int64(order.services.count)
        if order.isHourly {
            self[order.book, order.seller].hourly[order.sku, default: 0] += Int64(order.services.count)
        }
        if holds {
            self[order.book, order.seller].held += charged
            pending.append(order)
        } else {
            sales[order.book, default: 0] += charged
            completed.append(order)
        }
    }

    mutating func decided(_ place: Int, activate: Bool, now: Int64) {
        var order = pending.remove(at: place)
        order.begins = now
        let charged = order.book == .live ? order.total : 0
        self[order.book, order.seller].held -= charged
        if activate {
            sales[order.book, default: 0] += charged
            completed.append(order)
        } else {
            self[order.book, order.seller].balance += charged
            self[order.book, order.seller].units[order.sku, default: 0] -= Int64(order.services.count)
            if order.isHourly {
                self[order.book, order.seller].hourly[order.sku, default: 0] -= Int64(order.services.count)
            }
            payDebts(order.book, order.seller)
        }
    }

    /// Money has come: what is owed is paid, oldest first; what costs too much keeps no other from it.
    private mutating func payDebts(_ book: Book, _ seller: Int) {
        var left: [Debt] = []
        for debt in self[book, seller].debts.sorted(by: { ($0.since, $0.number) < ($1.since, $1.number) })
        where !spend(debt.amount, book, seller) { left.append(debt) }
        self[book, seller].debts = left
    }

    /// The hours of a unit that have begun, together, at its end up to the cent (W3).
    private mutating func end(_ order: Order, number: Int64, now: Int64) {
        guard order.isHourly, let begins = order.begins, let row = self[order.book, order.seller].prices[order.sku]
        else { return }
        let hours = (now - begins + 3_599_999) / 3_600_000
        let exact = hours * Self.hourlyPrice * (1_000_000 - row.rate)
        let amount = (exact + 9_999_999_999) / 10_000_000_000 * 10_000
        if !spend(amount, order.book, order.seller) {
            self[order.book, order.seller].debts.append(Debt(since: now, number: number, amount: amount))
        }
    }

    mutating func cancelled(_ place: Int, now: Int64) -> String {
        let order = completed[place]
        end(order, number: order.number + Int64(order.services.count), now: now)
        let service = completed[place].services.removeLast()
        if completed[place].services.isEmpty { completed.remove(at: place) }
        self[order.book, order.seller].units[order.sku, default: 0] -= 1
        if order.isHourly { self[order.book, order.seller].hourly[order.sku, default: 0] -= 1 }
        return service
    }

    /// Codes, ports: paid at once.
    mutating func spend(_ amount: Int64, _ book: Book, _ seller: Int) -> Bool {
        guard canPay(amount, book, seller) else { return false }
        if book == .live {
            self[book, seller].balance -= amount
            sales[book, default: 0] += amount
        }
        return true
    }

    mutating func port(_ book: Book, _ seller: Int, _ customer: Int, days: Int64, now: Int64) -> Bool {
        let active = ports.filter { $0.book == book && $0.expiresAt > now }
        guard active.count < Self.portCapacity,
            active.count(where: { $0.seller == seller && $0.customer == customer }) < Self.customerSlots,
            spend(Self.portPrice * days, book, seller)
        else { return false }
        ports.append(Port(seller: seller, customer: customer, book: book, expiresAt: now + days * 86_400_000))
        return true
    }

    /// A transfer uses no credit; a reference moves once.
    mutating func transfer(_ amount: Int64, _ book: Book, _ seller: Int, to customer: Int, reference: String?) -> Bool {
        let key = reference.map { "\(customer) \($0)" }
        if let key, let known = self[book, seller].references[key] { return known == amount }
        if book == .live {
            guard amount <= self[book, seller].balance else { return false }
            self[book, seller].balance -= amount
        } else {
            funding[book, default: 0] -= amount
        }
        self[book, seller].customers[customer] += amount
        if let key { self[book, seller].references[key] = amount }
        return true
    }

    /// A payment that was confirmed.
    mutating func paid(_ amount: Int64, _ book: Book, _ seller: Int) {
        self[book, seller].balance += amount
        funding[book, default: 0] -= amount
        payDebts(book, seller)
    }

    private func canPay(_ amount: Int64, _ book: Book, _ seller: Int) -> Bool {
        book == .test || amount == 0 || amount <= self[book, seller].available
    }

    subscript(book: Book, seller: Int) -> Seller {
        get { sellers[book]?[seller] ?? Seller(customers: [], prices: [:]) }
        set { sellers[book]?[seller] = newValue }
    }

    /// Every account of the ledger, by what it is called.
    func accounts(_ sellerIDs: [Int64], _ customerIDs: [Book: [[Int64]]]) -> [String: Int64] {
        var accounts: [String: Int64] = [:]
        for book in [Book.live, .test] {
            accounts["\(book.name) sales"] = sales[book]
            accounts["\(book.name) funding"] = funding[book]
            for (number, seller) in (sellers[book] ?? []).enumerated() {
                accounts["\(book.name) balance \(sellerIDs[number])"] = seller.balance
                accounts["\(book.name) held \(sellerIDs[number])"] = seller.held
                for (place, amount) in seller.customers.enumerated() {
                    let id = customerIDs[book]?[number][place] ?? 0
                    accounts["\(book.name) customer \(id)"] = amount
                }
            }
        }
        return accounts
    }
}

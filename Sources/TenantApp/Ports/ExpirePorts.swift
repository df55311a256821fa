import CallKit
package import TenantRegistry

/// Gives back the slots of ports whose time is up, a bounded number at a call, and tells of each (X5).
/// Whoever needs a slot calls it, and the scheduler does (`DuePorts`).
package struct ExpirePorts: Sendable {
    package static let portsMax = 20

    package let book: Book
    /// Nil: of all customers.
    package let customerID: Int64?
    let limit: Int

    package init(book: Book, customerID: Int64?, limit: Int = Self.portsMax) {
        self.book = book
        self.customerID = customerID
        self.limit = limit
    }

    /// Those that were cleared: none by a clock that is not believed.
    @discardableResult
    package func run(_ tenant: TenantTransaction) throws -> [Port] {
        guard tenant.isClockBelieved else { return [] }
        let due = try tenant.duePorts(book: book, customer: customerID, limit: limit)
        for port in due { try EndPort(port: port).run(tenant) }
        return due
    }
}

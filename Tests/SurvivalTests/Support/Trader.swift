import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// The callers of one tenant: they ask for orders, money and keys by the gateway's own operations, and keep their
/// books. One test's thread.
final class Trader {
    let node: TestNode
    let record: TenantRecord
    let resellers: [Int64]
    var books: Books
    /// What each answered write was given to prove that it was recorded.
    var heads: [AuditHead]
    private var next: Int
    /// Where a kill comes in the middle, what was under way is neither done nor not done.
    var isCutOff: () -> Bool = { false }

    init(_ node: TestNode, slug: String = "shop", books: Books = Books(), heads: [AuditHead] = [], next: Int = 0) throws
    {
        self.node = node
        self.books = books
        self.heads = heads
        self.next = next
        record = try node.tenant(slug)
        resellers = try Self.resellers(record, node)
    }

    /// The same callers before the file as another process finds it.
    func moved(to node: TestNode) throws -> Trader {
        try Trader(node, slug: record.slug, books: books, heads: heads, next: next)
    }

    private static func resellers(_ record: TenantRecord, _ node: TestNode) throws -> [Int64] {
        node.fleet.roster.resellers(of: record.id).map(\.id).sorted()
    }

    /// The last wish's.
    var lastName: String { "wish-\(next)" }

    // MARK: Asking

    /// One wish or several that share a batch.
    func ask(_ wishes: [Wish]) throws { try end(try begin(wishes)) }

    /// What was asked for and not answered yet.
    struct Asked {
        let name: String
        let entry: Books.Wish
        let answer: Promise<Void>
    }

    /// Asks, and does not wait.
    func begin(_ wishes: [Wish]) throws -> [Asked] {
        let gate = wishes.count > 1 ? try hold() : nil
        defer { gate?.open() }
        return wishes.map { wish in
            next += 1
            let name = "wish-\(next)"
            return Asked(name: name, entry: bookEntry(wish), answer: submit(wish, name))
        }
    }

    /// Waits for the answers.
    func end(_ asked: [Asked]) throws {
        for asked in asked {
            let result = try asked.answer.result()
            var outcome = Self.outcome(result)
            if isCutOff() { outcome = .unknown }
            books.note(asked.name, asked.entry, outcome)
        }
        // What a commit has put into memory it has put into the file.
        if !isCutOff(), let head = try? node.head(of: record), !isCutOff() { heads.append(head) }
    }

    enum Wish {
        case topUp(Int64, units: Int64)
        case order(Int64, manual: Bool, quantity: Int64)
        case mint(MintedSecret)
        case revoke(Digest)
    }

    private func bookEntry(_ wish: Wish) -> Books.Wish {
        switch wish {
        case .topUp(let reseller, let units): .topUp(reseller: reseller, micros: units * 1_000_000)
        case .order(let reseller, let manual, let quantity):
            .order(reseller: reseller, micros: quantity * (manual ? 6_750_000 : 6_000_000), held: manual)
        case .mint(let secret): .mint(secret.hash)
        case .revoke(let hash): .revoke(hash)
        }
    }

    /// By the gateway's own way: hash reserved first, effect and audit row in one commit, memory, registry, answer.
    private func submit(_ wish: Wish, _ name: String) -> Promise<Void> {
        let promise = Promise<Void>()
        var hash: Digest?
        if case .mint(let secret) = wish { hash = secret.hash }
        let record = record
        node.fleet.write(
            record, reserving: hash, action: "POST /wish", requestID: .none,
            { tenant, detail in try Self.perform(wish, name, tenant, &detail) }, then: { promise.resolve($0) })
        return promise
    }

    private static func perform(
        _ wish: Wish, _ name: String, _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws {
        switch wish {
        case .topUp(let reseller, let units):
            detail.resellerID = reseller
            _ = try tenant.post(
                .topUp, Money(micros: units * 1_000_000), from: .funding, to: .balance(reseller: reseller),
                reference: name, resellerID: reseller, book: .live, keyID: 0, detail: &detail)
        case .order(let reseller, let manual, let quantity):
            _ = try Shop.place(
                tenant, &detail, reseller: reseller, sku: manual ? "manual" : "instant", quantity: quantity, key: name)
        case .mint(let secret):
            let new = NewKey(
                accountID: 1, resellerID: nil, role: .owner, scopes: .all, display: secret.display,
                createdBy: 1)
            _ = try MintKey(secret: secret, new: new).run(tenant, &detail)
        case .revoke(let hash):
            let id = try tenant.connection.row(
                "SELECT key_id FROM api_key_secret WHERE hash = ?1", .blob(hash.bytes)
            ) { try $0.int() }
            if let id { try tenant.revokeKey(id) }
        }
    }

    private static func outcome(_ result: Result<Void, any Error>) -> Books.Outcome {
        guard case .failure(let error) = result else { return .done }
        if case LaneFailure.outcomeUnknown = error { return .unknown }
        return .notDone
    }

    /// The lane waits in a batch of its own until the gate opens.
    private func hold() throws -> Gate {
        let gate = Gate()
        let entered = Promise<Void>()
        record.lane.exclusively(
            { _ in
                entered.succeed(())
                gate.wait()
            }, orElse: { entered.fail($0) })
        try entered.value()
        return gate
    }

    func randomWish(_ chance: inout Seeded) -> Wish {
        let reseller = chance.pick(resellers)
        switch chance.pick(1...10) {
        case 1, 2: return .topUp(reseller, units: Int64(chance.pick(1...50)))
        case 3: return .mint(newSecret())
        case 4:
            let living = books.livingKeys
            return living.isEmpty ? .topUp(reseller, units: 1) : .revoke(chance.pick(living))
        case 5, 6: return .order(reseller, manual: true, quantity: Int64(chance.pick(1...3)))
        // So many that now and then the balance does not reach.
        case 7: return .order(reseller, manual: false, quantity: 1_000_000)
        default: return .order(reseller, manual: false, quantity: Int64(chance.pick(1...4)))
        }
    }

    func newSecret() -> MintedSecret { MintedSecret(prefix: "tst", book: .live, random: node.fleet.random) }

    func closeFile() throws {
        let done = Promise<Void>()
        record.lane.exclusively(
            { control in
                control.closeFile()
                done.succeed(())
            }, orElse: { done.fail($0) })
        try done.value()
    }

    func checkpoint() throws {
        let done = Promise<Void>()
        record.lane.exclusively(
            { control in
                _ = try? control.file().connection.checkpoint(.passive)
                done.succeed(())
            }, orElse: { done.fail($0) })
        try done.value()
    }
}

/// Closed until it is opened once. Any thread.
final class Gate: Sendable {
    private let promise = Promise<Void>()
    func wait() { _ = try? promise.value() }
    func open() { promise.succeed(()) }
}

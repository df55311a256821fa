import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

extension Trader {
    /// Holds the file against the books: acknowledged is there, refused is not, money adds up to the micro, keys open
    /// or do not. What was unknown is settled by it from here on.
    func check(_ scene: Comment) throws {
        let found = try node.read(record) { tenant in
            let names = try tenant.connection.rows(
                """
                SELECT reference FROM posting WHERE kind = 'top_up' UNION ALL
                SELECT key FROM idempotency WHERE status = 201
                """
            ) { try $0.text() }
            let accounts = try tenant.connection.rows(
                "SELECT kind, reseller_id, balance FROM ledger_account WHERE book = 0 AND reseller_id <> 0"
            ) { try ($0.text(), $0.int(), $0.int()) }
            return (names: names, accounts: accounts)
        }
        #expect(Set(found.names).count == found.names.count, "nothing is there twice")
        let names = Set(found.names)
        for (name, entry) in books.entries.sorted(by: { $0.key < $1.key }) {
            let isThere: Bool
            switch entry.wish {
            case .topUp, .order: isThere = names.contains(name)
            case .mint(let hash): isThere = try isKnown(hash)
            case .revoke(let hash): isThere = try !opens(hash)
            }
            switch entry.outcome {
            case .done: #expect(isThere, "\(scene): \(name) \(entry.wish) was acknowledged")
            case .notDone:
                // A key that stays may have been revoked under another name.
                if case .revoke = entry.wish { break }
                #expect(!isThere, "\(scene): \(name) \(entry.wish) was refused")
            case .unknown: books.settle(name, isThere ? .done : .notDone)
            }
        }
        for hash in books.livingKeys {
            #expect(try opens(hash), "\(scene): a key that was minted opens")
        }
        var money: [Int64: Books.Money] = [:]
        for (kind, reseller, balance) in found.accounts {
            if kind == "balance" { money[reseller, default: Books.Money()].balance = balance }
            if kind == "held" { money[reseller, default: Books.Money()].held = balance }
        }
        for (reseller, wanted) in books.money {
            #expect(money[reseller] ?? Books.Money() == wanted, "\(scene): reseller \(reseller)")
        }
    }

    /// Chain, ledger, orders, stored answers and every head that was handed out, by the verifier that auditors use.
    func verify(_ scene: Comment) throws {
        let path = try node.export(record)
        defer { DataDirectory.remove(path) }
        let report = try Verifier(
            path: path, expectedHeads: heads, publicKey: record.signingKey.publicKey, checksAllSignatures: true
        ).run()
        #expect(report.isSound, "\(scene): \(report.text)")
    }

    /// Whether the secret opens a key, by the roster and by the file: both are asked on every call.
    private func opens(_ hash: Digest) throws -> Bool {
        guard node.fleet.roster.key(hash: hash, at: node.clock.now()) != nil else { return false }
        return try node.read(record) { tenant in try tenant.standing(ofSecret: hash).map { !$0.isRevoked } ?? false }
    }

    /// Whether the file has such a key, revoked or not: a revoked one keeps its row and loses its secret.
    private func isKnown(_ hash: Digest) throws -> Bool {
        if books.entries.values.contains(where: { entry in
            if case .revoke(hash) = entry.wish { return entry.outcome != .notDone }
            return false
        }) {
            // Its mint was acknowledged before, or it could not have been asked for.
            return true
        }
        return try opens(hash)
    }
}

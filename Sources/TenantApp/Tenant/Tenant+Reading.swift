package import CallKit
import SQLite
package import TenantRegistry

extension TenantReader {
    /// The tenant's one currency.
    package var currency: Currency {
        if let known = memory.currency { return known }
        let currency = Currency(store.currency) ?? .usDollar
        memory.currency = currency
        return currency
    }

    package func setting(_ name: String) throws -> String? {
        try connection.row("SELECT value FROM setting WHERE name = ?1", .text(name)) { try $0.text() }
    }

    /// Money as native APIs write it: at least the currency's minor unit.
    package func decimal(_ money: Money) -> String { money.decimal(minorUnitDigits: currency.minorUnitDigits) }
}

extension TenantTransaction {
    package func set(_ name: String, to value: String) throws {
        try connection.run(
            "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            .text(name), .text(value))
    }

    /// Nil takes the setting away.
    package func set(_ name: String, toOptional value: String?) throws {
        if let value { return try set(name, to: value) }
        try connection.run("DELETE FROM setting WHERE name = ?1", .text(name))
    }

    package func newPublicID(_ prefix: StaticString) -> String {
        PublicID.make(prefix, at: now, chance: store.randomWords())
    }
}

package import CallKit
package import Cryptography
package import HTTPCore
import TenantRegistry

/// What a reseller can report (C3).
package enum CreditKind: String, Sendable, CaseIterable, AnswerValue {
    case topup
    case purchase
    case renewal
}

/// One credit-bearing event as a reseller reports it. A value: any thread.
package struct CreditReport: Sendable {
    package let kind: CreditKind
    package let amount: Money
    package let externalRef: String
    /// An object, as it was sent; nil for none.
    package let meta: JSON?

    /// Of every amount that is reported, and of the ledgers that are compared with them, whatever the tenant's own is:
    /// the field says `amount_usd` (C3).
    package static let currency = Currency.usDollar
    package static let externalRefCharactersMax = 255
    package static let metaBytesMax = 4_096

    package init(kind: CreditKind, amount: Money, externalRef: String, meta: JSON?) {
        self.kind = kind
        self.amount = amount
        self.externalRef = externalRef
        self.meta = meta
    }

    package var metaText: String? { meta.map { String(decoding: $0.encoded(), as: UTF8.self) } }

    /// The same for the same kind, amount and meta, whatever the order of meta's members: tells a repeat from a change.
    package var content: Digest {
        var canonical = CanonicalBytes("tollgate-credit-v1")
        canonical.append(kind.rawValue)
        canonical.append(amount.micros)
        canonical.append(meta.map { Self.sorted($0).encoded() } ?? [])
        return SHA256.hash(canonical.bytes)
    }

    /// Whether it says the same as what was recorded: numbers are compared by their values, `1` and `1.0` alike.
    package func says(_ kind: CreditKind, _ amount: Money, meta: String?) -> Bool {
        let recorded = meta.map { try? JSON.parse(Array($0.utf8)) }
        return self.kind == kind && self.amount == amount
            && self.meta.map(Self.compared) == (recorded ?? nil).map(Self.compared)
    }

    /// The bytes of the members in order, each number in one spelling.
    private static func compared(_ json: JSON) -> [UInt8] {
        func plain(_ json: JSON) -> JSON {
            switch json {
            case .number(let number): .number(JSONNumber(text: number.canonical))
            case .array(let elements): .array(elements.map(plain))
            case .object(let members):
                .object(members.map { JSONMember(name: $0.name, value: plain($0.value)) })
            case .null, .bool, .string: json
            }
        }
        return sorted(plain(json)).encoded()
    }

    private static func sorted(_ json: JSON) -> JSON {
        switch json {
        case .object(let members):
            .object(
                members.map { JSONMember(name: $0.name, value: sorted($0.value)) }
                    .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
        case .array(let elements): .array(elements.map(sorted))
        case .null, .bool, .number, .string: json
        }
    }
}

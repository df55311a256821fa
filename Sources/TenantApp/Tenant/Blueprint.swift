package import CallKit
import Cryptography
import Foundation
package import HTTPCore
package import RateLimiter
package import TenantRegistry

/// A kind of operator: what `tenant create --blueprint` applies. One JSON file each in `tenants/`.
package struct Blueprint: Sendable {
    package struct ProductSeed: Sendable {
        package let sku: String
        package let name: String
        package let fulfilment: Fulfilment
        package let isHidden: Bool
        package let days: Int64?
        package let retailPrice: Money?
        package let wholesalePrice: Money?
        package let list: ListPrices
    }

    package let name: String
    package let title: String
    package let dialects: [String]
    package let currency: String
    package let keyPrefix: String
    package let keyShape: KeyShape.Name
    package let tier: Tier
    /// What a reseller's key is limited to where nobody says otherwise; nil: nothing of its own.
    package let keyLimit: Policy?
    package let settings: [(name: String, value: String)]
    package let products: [ProductSeed]
    /// What the demo adds; nil where the blueprint has none.
    package let demo: JSON?

    package enum Failure: Error, CustomStringConvertible {
        case unreadable(path: String, reason: String)

        package var description: String {
            switch self {
            case .unreadable(let path, let reason): "\(path): \(reason)"
            }
        }
    }

    /// Reads one file; every fault names the field.
    package init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure.unreadable(path: path, reason: "it cannot be read")
        }
        do {
            let json = try JSON.parse(Array(data))
            try self.init(json)
        } catch let error as JSONError {
            throw Failure.unreadable(path: path, reason: error.description)
        } catch let refusal as Refusal {
            throw Failure.unreadable(path: path, reason: refusal.detail)
        }
    }

    private init(_ json: JSON) throws {
        var fields = FieldReader(json, refusesUnknown: true)
        let name = fields.string("name", characters: 1...32)
        let title = fields.string("title", characters: 1...100)
        let currency = fields.string("currency", characters: 3...3)
        let prefix = fields.string("key_prefix", characters: 2...16)
        keyShape = fields.optionalChoice("key_shape", as: KeyShape.Name.self) ?? .prefixed
        let tier = fields.choice("tier", as: Tier.self)
        keyLimit = fields.optionalPolicy("key_limit")
        let dialects = fields.array("dialects", count: 1...8)?.compactMap { value -> String? in
            if case .string(let text) = value { text } else { nil }
        }
        var settings: [(String, String)] = []
        if case .object(let members)? = fields.value("settings") {
            for member in members {
                if case .string(let text) = member.value { settings.append((member.name, text)) }
            }
        }
        var products: [ProductSeed] = []
        for (index, value) in (fields.optionalArray("products", count: 0...1_000) ?? []).enumerated() {
            var product = fields.reader(of: value, at: index, in: "products")
            let sku = product.string("sku", characters: 1...FieldReader.skuCharactersMax, .id)
            let title = product.string("name", characters: 1...200)
            let fulfilment = product.choice("fulfilment", as: Fulfilment.self)
            let isHidden = product.optionalBool("hidden") ?? false
            let plan = product.read(Field.part(PlanTerms.body))
            let list = product.read(Field.object("list", ListPrices.body).or(.none))
            product.expectNoOthers(than: [
                "sku", "name", "fulfilment", "hidden", "days", "retail_price", "wholesale_price", "list",
            ])
            fields.absorb(product)
            if let sku, let title, let fulfilment, let plan, let list {
                products.append(
                    ProductSeed(
                        sku: sku, name: title, fulfilment: fulfilment, isHidden: isHidden, days: plan.days,
                        retailPrice: plan.retailPrice, wholesalePrice: plan.wholesalePrice, list: list))
            }
        }
        if let currency, Currency(currency) == nil {
            fields.fail("currency", code: "choice", detail: "is not an ISO 4217 code")
        }
        if let prefix, !APIKeyFormat.isPrefix(prefix) {
            fields.fail(
                "key_prefix", code: "format", detail: "must be a letter and 1 to 15 letters or digits, in lower case")
        }
        fields.expectNoOthers(than: [
            "name", "title", "currency", "key_prefix", "key_shape", "tier", "key_limit", "dialects", "settings",
            "products", "demo",
        ])
        (self.name, self.title, self.currency, keyPrefix, self.tier, self.dialects) = try fields.finish(
            name, title, currency, prefix, tier, dialects)
        self.settings = settings.map { (name: $0.0, value: $0.1) }
        self.products = products
        demo = fields.value("demo")
    }
}

/// All blueprints of a folder. Immutable: any thread.
package final class Blueprints: ProcessState {
    package let all: [Blueprint]
    private let byName: [String: Blueprint]
    private let dialectSets: [String: Set<String>]

    /// Reads every `*.json` in the folder, sorted by name.
    package init(folder: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
            .sorted()
        all = try names.map { try Blueprint(path: "\(folder)/\($0)") }
        byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
        dialectSets = byName.mapValues { Set($0.dialects) }
    }

    /// No blueprints at all.
    package init() {
        all = []
        byName = [:]
        dialectSets = [:]
    }

    package subscript(name: String) -> Blueprint? { byName[name] }

    /// The dialects that a tenant serves; those of its blueprint.
    package func dialects(of tenant: TenantRecord) -> Set<String> { dialectSets[tenant.blueprint] ?? [] }

    /// The shape of the tenant's keys; its blueprint's, with the prefix of its own.
    package func keyShape(of tenant: TenantRecord) -> KeyShape {
        let blueprint = self[tenant.blueprint]
        // The registry may have one that was taken over before they were judged.
        let own = tenant.profile.keyPrefix
        let prefix = APIKeyFormat.isPrefix(own) ? own : blueprint?.keyPrefix ?? "key"
        return KeyShape(blueprint?.keyShape ?? .prefixed, prefix: prefix)
    }
}

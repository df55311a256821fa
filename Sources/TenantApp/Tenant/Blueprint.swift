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
        let dialects = Self.dialects(&fields)
        settings = Self.settings(&fields)
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
            if let sku, products.contains(where: { $0.sku == sku }) {
                product.fail("sku", code: "duplicate", detail: "comes twice")
            }
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
        } else if let prefix, KeyShape.reservedPrefixes.contains(prefix) {
            fields.fail("key_prefix", code: "reserved", detail: "belongs to other keys")
        }
        fields.expectNoOthers(than: [
            "name", "title", "currency", "key_prefix", "key_shape", "tier", "key_limit", "dialects", "settings",
            "products", "demo",
        ])
        (self.name, self.title, self.currency, keyPrefix, self.tier, self.dialects) = try fields.finish(
            name, title, currency, prefix, tier, dialects)
        self.products = products
        demo = fields.value("demo")
    }

    /// Of those APIs that a tenant has because its blueprint names them.
    private static func dialects(_ fields: inout FieldReader) -> [String]? {
        guard let sent = fields.array("dialects", count: 1...8) else { return nil }
        let known = Scopes.namedDialects
        let names = sent.compactMap { value -> String? in
            if case .string(let text) = value, known.contains(text) { text } else { nil }
        }
        guard names.count == sent.count else {
            fields.fail("dialects", code: "choice", detail: "must be names out of \(known.joined(separator: ", "))")
            return nil
        }
        return names
    }

    private enum Switch: String, CaseIterable {
        case on
        case off
    }

    private static func settings(_ fields: inout FieldReader) -> [(name: String, value: String)] {
        guard var chosen = fields.optionalObject("settings") else { return [] }
        let switches = ["self_activation", "self_service_keys", "sandbox_before_approval"]
        var settings: [(name: String, value: String)] = []
        if let name = chosen.optionalString("name", characters: 1...100) { settings.append(("name", name)) }
        for name in switches {
            if let value = chosen.optionalChoice(name, as: Switch.self) { settings.append((name, value.rawValue)) }
        }
        chosen.expectNoOthers(than: ["name"] + switches)
        fields.absorb(chosen)
        return settings
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
        var blueprints: [Blueprint] = []
        for file in names {
            let path = "\(folder)/\(file)"
            let blueprint = try Blueprint(path: path)
            guard !blueprints.contains(where: { $0.name == blueprint.name }) else {
                throw Blueprint.Failure.unreadable(path: path, reason: "/name: another file has it")
            }
            blueprints.append(blueprint)
        }
        all = blueprints
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

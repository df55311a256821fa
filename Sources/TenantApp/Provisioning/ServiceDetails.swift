package import HTTPCore

/// What the end customer of a service needs (O10): host name, address, login, by name, secrets among them. A value.
///
/// Invariant: 20 at the most, 4 KiB as JSON.
package struct ServiceDetails: Sendable, Equatable {
    package struct Item: Sendable, Equatable {
        package let name: String
        package let value: String
        package let isSecret: Bool

        package init(name: String, value: String, isSecret: Bool) {
            self.name = name
            self.value = value
            self.isSecret = isSecret
        }
    }

    package static let itemsMax = 20
    package static let bytesMax = 4 << 10
    package static let nameCharactersMax = 64

    package let items: [Item]

    /// Of what was judged before.
    package init(_ items: [Item]) { self.items = items }

    /// What is wrong with details as somebody sent them.
    package struct Fault: Error, Sendable {
        /// The member; nil for all together.
        package let name: String?
        package let code: String
        package let detail: String
    }

    /// `{name: {value, secret?}}`.
    package init(_ json: JSON) throws(Fault) {
        guard case .object(let members) = json else {
            throw Fault(name: nil, code: "type", detail: "must be an object of {value, secret}")
        }
        guard members.count <= Self.itemsMax else {
            throw Fault(name: nil, code: "count", detail: "must have at most \(Self.itemsMax) members")
        }
        var items: [Item] = []
        for member in members { items.append(try Self.item(member)) }
        self.items = items
        guard encoded.count <= Self.bytesMax else {
            throw Fault(name: nil, code: "length", detail: "must have at most \(Self.bytesMax) bytes as JSON")
        }
    }

    private static func item(_ member: JSONMember) throws(Fault) -> Item {
        let name = member.name
        func fault(_ code: String, _ detail: String) -> Fault { Fault(name: name, code: code, detail: detail) }
        guard (1...nameCharactersMax).contains(name.unicodeScalars.count), name.isPrintable else {
            throw fault("format", "must have a name of 1 to \(nameCharactersMax) printable characters")
        }
        guard case .object(let parts) = member.value else { throw fault("type", "must be {value, secret}") }
        for part in parts where part.name != "value" && part.name != "secret" {
            throw fault("unknown", "must have no members but value and secret")
        }
        guard case .string(let value)? = member.value["value"] else {
            throw fault("type", "needs a value that is text")
        }
        guard
            value.unicodeScalars.allSatisfy({
                $0.value >= 0x20 && $0.value != 0x7F || "\n\t".unicodeScalars.contains($0)
            })
        else { throw fault("format", "must not hold control characters") }
        switch member.value["secret"] {
        case nil, .null?: return Item(name: name, value: value, isSecret: false)
        case .bool(let isSecret)?: return Item(name: name, value: value, isSecret: isSecret)
        default: throw fault("type", "secret must be true or false")
        }
    }

    /// As `init` reads it.
    package var json: JSON {
        .object(
            items.map { item in
                JSONMember(
                    name: item.name,
                    value: .object([
                        JSONMember(name: "value", value: .string(item.value)),
                        JSONMember(name: "secret", value: .bool(item.isSecret)),
                    ]))
            })
    }

    /// What somebody sees who may see no secrets.
    package var withoutSecrets: ServiceDetails { ServiceDetails(items.filter { !$0.isSecret }) }

    package var encoded: [UInt8] { json.encoded() }
}

extension String {
    fileprivate var isPrintable: Bool { unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } }
}

package import HTTPCore

/// What the end customer of a service needs (O10): host name, address, login, by name, secrets among them. A value.
///
/// Invariant: 20 at the most, their names and values 4 KiB of UTF-8 together; names are ids in NFC, but for those that
/// an earlier version kept. As JSON they take twice that, and 30 bytes each.
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
    /// Of names and values together, in UTF-8, as they are kept.
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

    /// `{name: {value, secret?}}`, as somebody sends it.
    package init(_ json: JSON) throws(Fault) {
        let members = try Self.members(json)
        // They are counted before any is judged.
        guard members.count <= Self.itemsMax else { throw Self.tooMany }
        var items: [Item] = []
        for member in members { items.append(try Self.item(member, named: Self.judged(member.name))) }
        try self.init(bounded: items)
    }

    /// As they were kept: what was judged then is not judged again.
    package init(kept json: JSON) throws(Fault) {
        items = try Self.members(json).map { member throws(Fault) in try Self.item(member, named: member.name) }
    }

    private init(bounded items: [Item]) throws(Fault) {
        guard items.count <= Self.itemsMax else { throw Self.tooMany }
        self.items = items
        let bytes = items.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard bytes <= Self.bytesMax else {
            let detail = "must have at most \(Self.bytesMax) bytes of names and values together"
            throw Fault(name: nil, code: "length", detail: detail)
        }
    }

    private static let tooMany = Fault(name: nil, code: "count", detail: "must have at most \(itemsMax) members")

    /// Changed name by name; null takes one away, whatever its name is.
    package func changed(by json: JSON) throws(Fault) -> ServiceDetails {
        var items = items
        for change in try Self.members(json) {
            let new: Item? = try change.value == .null ? nil : Self.item(change, named: Self.judged(change.name))
            // Texts that NFC makes the same are equal.
            items.removeAll { $0.name == change.name }
            if let new { items.append(new) }
        }
        return try ServiceDetails(bounded: items)
    }

    private static func members(_ json: JSON) throws(Fault) -> [JSONMember] {
        guard case .object(let members) = json else {
            throw Fault(name: nil, code: "type", detail: "must be an object of {value, secret}")
        }
        return members
    }

    private static func judged(_ sent: String) throws(Fault) -> String {
        let name = sent.composed
        func fault(_ detail: String) -> Fault { Fault(name: name.quoted, code: "format", detail: detail) }
        guard 1...nameCharactersMax ~= name.unicodeScalars.count else {
            throw fault("must have a name of 1 to \(nameCharactersMax) characters")
        }
        if let wrong = TextRule.id.fault(in: name) { throw fault("has a name that \(wrong)") }
        return name
    }

    private static func item(_ member: JSONMember, named name: String) throws(Fault) -> Item {
        func fault(_ code: String, _ detail: String) -> Fault { Fault(name: name, code: code, detail: detail) }
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

import Cryptography
import Foundation
import HTTPCore
package import TenantRegistry

/// `DATA/demo.json`: the demo's keys and logins, for those who follow the documents (D). It never keeps a key that is
/// dead: a start writes null in its place, and a rotation of the provider's key the new one. A start takes out tenants
/// that were erased.
///
/// One writer at a time: the start, before anybody calls, and later the pool for files.
package struct DemoFile: Sendable {
    private let fleet: Fleet
    private var path: String { fleet.data.path + "/demo.json" }

    package init(_ fleet: Fleet) { self.fleet = fleet }

    enum Failure: Error, CustomStringConvertible {
        case unreadable(String, any Error)

        var description: String {
            switch self {
            case .unreadable(let path, let error):
                "\(path) cannot be read: \(error). Remove it to start without a demo, or the whole folder for a new one"
            }
        }
    }

    func write(_ json: JSON) throws { try fleet.data.writePrivately(json.encoded() + [0x0A], to: path) }

    private func read() throws -> JSON? {
        guard let bytes = try DataDirectory.contents(of: path) else { return nil }
        do throws(JSONError) {
            return try JSON.parse(bytes)
        } catch {
            throw Failure.unreadable(path, error)
        }
    }

    /// As it is now; nil where there is no demo. The gateway may listen elsewhere than last time.
    func refreshed(baseURL: String) throws -> JSON? {
        guard let old = try read() else { return nil }
        var before: String?
        if case .string(let url)? = old["base_url"] { before = url }
        let new = mapped(withoutErased(old)) { name, text in
            switch name {
            case "base_url":
                guard let before, text.hasPrefix(before) else { return text }
                return baseURL + text.dropFirst(before.count)
            case "provider_key": return isProviderKey(text) ? text : nil
            case "owner_key", "key": return isAlive(text) ? text : nil
            default: return text
            }
        }
        if new != old { try write(new) }
        return new
    }

    private func withoutErased(_ json: JSON) -> JSON {
        guard case .object(let members) = json else { return json }
        return .object(
            members.map { member in
                guard member.name == "tenants", case .object(let tenants) = member.value else { return member }
                let left = tenants.filter { tenant in
                    guard case .string(let slug)? = tenant.value["slug"] else { return true }
                    return fleet.roster.tenant(slug: slug) != nil
                }
                return JSONMember(name: member.name, value: .object(left))
            })
    }

    /// The others have died. Nothing where there is no demo.
    package func replaceProviderKey(by key: String) throws {
        guard let json = try read() else { return }
        try write(mapped(json) { name, text in name == "provider_key" ? key : text })
    }

    /// Whether the provider key that stands in it is the one of this id.
    package func hasProviderKey(_ publicID: String) throws -> Bool {
        guard case .string(let text)? = try read()?["provider_key"] else { return false }
        let key = fleet.providerKeys.key(SHA256.hash(Array(text.utf8)), at: fleet.clock.now())
        return key?.publicID == publicID
    }

    private func isProviderKey(_ key: String) -> Bool {
        fleet.providerKeys.isLive(SHA256.hash(Array(key.utf8)), at: fleet.clock.now())
    }

    private func isAlive(_ key: String) -> Bool {
        fleet.roster.key(hash: SHA256.hash(Array(key.utf8)), at: fleet.clock.now()) != nil
    }

    /// Each text by its name, wherever it stands; nil becomes null.
    private func mapped(_ json: JSON, _ change: (_ name: String, _ text: String) -> String?) -> JSON {
        func changed(_ value: JSON, _ name: String) -> JSON {
            switch value {
            case .object(let members):
                .object(members.map { JSONMember(name: $0.name, value: changed($0.value, $0.name)) })
            case .array(let values): .array(values.map { changed($0, "") })
            case .string(let text): change(name, text).map { .string($0) } ?? .null
            default: value
            }
        }
        return changed(json, "")
    }

    // MARK: What is printed

    /// The three surfaces of pages, each with somebody who can sign in. Passwords are for whoever looks at a terminal:
    /// elsewhere lines are kept, in a log say.
    private func pages(_ json: JSON, showsPasswords: Bool) -> [String] {
        func text(_ value: JSON?) -> String { if case .string(let text)? = value { text } else { "–" } }
        func line(_ surface: String, _ address: String, _ login: String) -> String {
            "  \(surface.padding(toLength: 10, withPad: " ", startingAt: 0)) "
                + "\(address.padding(toLength: 44, withPad: " ", startingAt: 0)) \(login)"
        }
        func login(_ person: JSON?) -> String {
            "\(text(person?["email"])), \(showsPasswords ? text(person?["password"]) : "password in demo.json")"
        }
        var lines = ["", "  pages      address                                      sign in with"]
        lines.append(line("provider", "\(text(json["base_url"]))/console", "the provider key in the file below"))
        guard let tenant = json["tenants"]?["hosting"] else { return lines }
        let base = text(tenant["base_url"])
        lines.append(line("operator", "\(base)/admin", login(tenant["owner_login"])))
        guard case .array(let resellers)? = tenant["resellers"], let reseller = resellers.first else { return lines }
        lines.append(line("reseller", "\(base)/portal", login(reseller)))
        return lines
    }

    /// Addresses, where somebody can sign in, and one line to copy, with a reseller's key; all keys and logins stand in
    /// the file.
    func table(_ json: JSON, showsPasswords: Bool) -> String {
        func text(_ value: JSON?) -> String { if case .string(let text)? = value { text } else { "–" } }
        var lines = ["", "  tenant     address                                      owner"]
        var example: String?
        var hasDeadKeys = json["provider_key"] == .null
        if case .object(let tenants)? = json["tenants"] {
            for tenant in tenants {
                let address = text(tenant.value["base_url"]).padding(toLength: 44, withPad: " ", startingAt: 0)
                lines.append(
                    "  \(tenant.name.padding(toLength: 10, withPad: " ", startingAt: 0)) \(address) "
                        + text(tenant.value["owner_login"]?["email"]))
                var resellers: [JSON] = []
                if case .array(let all)? = tenant.value["resellers"] { resellers = all }
                hasDeadKeys = hasDeadKeys || tenant.value["owner_key"] == .null
                hasDeadKeys =
                    hasDeadKeys
                    || resellers.contains { $0["key"] == .null && $0["state"] != .string("pending") }
                if tenant.name == "hosting", case .string(let key)? = resellers.first?["key"] {
                    example =
                        "curl -s \(text(tenant.value["base_url"]))/api/partner/v1/products "
                        + "-H 'Authorization: Bearer \(key)'"
                }
            }
        }
        lines += pages(json, showsPasswords: showsPasswords)
        lines += ["", "  Keys and logins are in \(path)."]
        if hasDeadKeys {
            lines.append("  Keys that died since are null there; remove \(fleet.data.path) for a new demo.")
        }
        if let example { lines += ["  Try:", "", "  \(example)"] }
        return (lines + [""]).joined(separator: "\n")
    }
}

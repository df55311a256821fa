/// A gateway's address as people have it: often that of a tenant, `https://host/t/{slug}`, or of a page or an API
/// below it, and `https://host/console`.
struct GatewayAddress {
    /// The gateway's own.
    let url: String
    /// The tenant that it is of.
    let slug: String?

    init(_ text: String) {
        // A page's may have what it was searched by.
        let parts = text.prefix { $0 != "?" && $0 != "#" }.split(separator: "/", omittingEmptySubsequences: false)
        guard let own = parts.indices.dropFirst(3).first(where: { Self.isBelow(parts[$0...]) }) else {
            (url, slug) = (text, nil)
            return
        }
        url = parts[..<own].joined(separator: "/")
        slug = parts[own] == "t" ? String(parts[own + 1]) : nil
    }

    /// Whether a tenant's address, the console or the provider's API begins here.
    private static func isBelow(_ rest: ArraySlice<Substring>) -> Bool {
        let next = rest.dropFirst().first ?? ""
        return switch rest.first {
        case "t": !next.isEmpty
        case "console": true
        case "provider": next == "v1"
        default: false
        }
    }

    /// The tenant that is meant, by an option or by the address.
    func tenant(_ given: String?, by option: String) throws(CommandFailure) -> String? {
        if let given, let slug, given != slug {
            throw .usage("\(option) says “\(given)”, and the address is that of “\(slug)”")
        }
        return given ?? slug
    }
}

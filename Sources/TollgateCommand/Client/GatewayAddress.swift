/// A gateway's address as people have it: often that of a tenant, `https://host/t/{slug}`.
struct GatewayAddress {
    /// The gateway's own.
    let url: String
    /// The tenant that it is of.
    let slug: String?

    init(_ text: String) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)
        while parts.count > 3, parts[parts.count - 1].isEmpty { parts.removeLast() }
        guard parts.count > 4, parts[parts.count - 2] == "t" else {
            (url, slug) = (text, nil)
            return
        }
        (url, slug) = (parts.dropLast(2).joined(separator: "/"), String(parts[parts.count - 1]))
    }

    /// The tenant that is meant, by an option or by the address.
    func tenant(_ given: String?, by option: String) throws(CommandFailure) -> String? {
        if let given, let slug, given != slug {
            throw .usage("\(option) says “\(given)”, and the address is that of “\(slug)”")
        }
        return given ?? slug
    }
}

import CallKit
import Cryptography
import HTTPCore

/// `?limit=&cursor=` of the list of tenants, which goes by their slugs: the cursor names the last one shown.
struct TenantPage: Sendable {
    let limit: Int
    /// The slug behind which the page begins; nil for the first page.
    let after: String?

    init(_ query: Query) throws(Refusal) {
        limit = try Paging.limit(query)
        guard let cursor = query["cursor"] else {
            after = nil
            return
        }
        guard let bytes = Base64.decodeURL(cursor), let slug = String(validating: bytes, as: UTF8.self),
            ProviderAPI.isSlug(slug)
        else { throw Paging.unknownCursor }
        after = slug
    }

    static func cursor(after slug: String) -> String { Base64.encodeURL(Array(slug.utf8)) }
}

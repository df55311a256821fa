import CallKit
import HTTPCore

/// `?limit=&cursor=` of the list of tenants, which goes by their slugs: the cursor names the last one shown.
struct TenantPage: Sendable {
    let limit: Int
    /// The slug behind which the page begins; nil for the first page.
    let after: String?
    private let seal: CursorSeal

    init(_ call: Call) throws(Refusal) {
        let query = try call.query()
        let seal = try CursorSeal(call)
        limit = try Paging.limit(query)
        after = try query["cursor"].map { text throws(Refusal) in String(decoding: try seal.open(text), as: UTF8.self) }
        self.seal = seal
    }

    func cursor(behind slug: String) -> String { seal.seal(Array(slug.utf8)) }
}

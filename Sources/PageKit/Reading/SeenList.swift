import CallKit
import HTTPCore

/// How a list was asked for, its filters and its place, as the addresses of the pages below it keep it:
/// `list=/orders?state=active`. Links to such pages carry it on, and from there a link to the list alone leads back to
/// what was seen of it. Nothing of it is kept anywhere else. A value: any thread.
struct SeenList: Sendable {
    static let name = "list"
    /// Of an address that stands in many others. A list whose own is longer is not kept.
    private static let bytesMax = 256
    /// Parameters that say nothing of what is seen: the book goes along by itself.
    private static let passing: Set<String> = [name, "said", "once", "back", "mode"]

    /// Below the surface; empty for its first page.
    private let path: String
    private let query: String
    /// How the paths begin of what is below it.
    private let beginning: String
    /// Whether the page is below the list; false on the list itself.
    private let isToldHere: Bool

    /// Of the page that is called: what it was told, or what it shows itself; nil where that is nothing.
    init?(_ call: Call, of site: Site) {
        let pairs = (try? call.query())?.pairs ?? []
        let told = pairs.last { $0.name == Self.name }?.value
        let path: String
        let asked: [(name: String, value: String)]
        if let told {
            guard let mark = told.firstIndex(of: "?"),
                let parsed = try? Query(parsing: String(told[told.index(after: mark)...]))
            else { return nil }
            path = String(told[..<mark])
            asked = parsed.pairs
        } else {
            path = String(call.head.path.dropFirst(call.head.rootPath.count + site.basePath.count))
            asked = pairs
        }
        // Of one that was told, which anybody may have made up, no more is kept than of the page's own.
        let query = PercentEncoding.query(
            asked.filter { !$0.value.isEmpty && !Self.passing.contains($0.name) }.map { ($0.name, $0.value) })
        let above: String? = path.isEmpty ? site.firstPageLists.map { "\($0)" } : path
        guard let above, !query.isEmpty, path.utf8.count + query.utf8.count <= Self.bytesMax else { return nil }
        self.path = path
        self.query = query
        beginning = "\(above)/"
        isToldHere = told != nil
    }

    /// What a link to this page of the surface asks besides; nothing where it leads elsewhere.
    func parameter(for page: String) -> [(String, String)] {
        page.hasPrefix(beginning) ? [(Self.name, "\(path)?\(query)")] : []
    }

    /// What a link asks that leads back from below to the list alone; nil where it leads elsewhere.
    func query(of page: String) -> String? { isToldHere && page == path ? query : nil }
}

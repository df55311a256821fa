package import CallKit
package import HTML
package import TenantRegistry

/// The pages of one surface, and the APIs that they ask and act by. A value: any thread.
package struct Site: Sendable {
    /// Whose pages they are and who looks, as the tenant's file has it. On its lane.
    package typealias Around = @Sendable (TenantReader, Call) throws -> Surroundings

    /// Below the tenant's address, or the node's, say `/admin`.
    package let basePath: String
    /// What the surface is called, behind the tenant's name.
    package let title: String
    /// Of the API that paths are of which name no other, say `/api/admin`.
    package let apiPath: String
    /// Every API of the tenant, or the node's.
    package let routes: RouteTable
    /// Who may come in at all; each API call that a page makes is judged besides.
    package let access: Route.Access
    package let navigation: [NavigationSection]
    /// Where those are at home whom these pages are not for, below the tenant's address; nil: nowhere.
    package let elsewhere: StaticString?
    /// Of what the first page is the list, say `/tenants`; nil where it is none.
    let firstPageLists: StaticString?
    /// Whether there is a page that finds anything by its id.
    package let hasSearch: Bool
    /// What its field takes, in a few words.
    package let searchHint: String
    /// Which of its pages show the test book too, and lead there.
    package enum TestBook: Sendable {
        case none, all
        /// Those that ask a call that is told the book by `mode`.
        case byMode
    }

    package let testBook: TestBook
    /// Whose pages they are and who looks; nil for the node's.
    package let surroundings: Around?

    package init(
        _ title: String, at basePath: String, over apiPath: String, of routes: RouteTable, access: Route.Access,
        elsewhere: StaticString? = nil, navigation: [NavigationSection],
        firstPageLists: StaticString? = nil, hasSearch: Bool = false,
        searchHint: String = "Id, e-mail or external id", testBook: TestBook = .none,
        surroundings: Around?
    ) {
        self.title = title
        self.basePath = basePath
        self.apiPath = apiPath
        self.routes = routes
        self.access = access
        self.elsewhere = elsewhere
        self.navigation = navigation
        self.firstPageLists = firstPageLists
        self.hasSearch = hasSearch
        self.searchHint = searchHint
        self.testBook = testBook
        self.surroundings = surroundings
    }
}

/// Whose page it is, and who looks at it. A value: any thread.
package struct Surroundings: Sendable {
    /// The tenant's.
    package let name: String
    package let logo: Link?
    /// Ours, then the tenant's colours.
    package let stylesheets: [Link]
    /// Who looks, say her e-mail address.
    package let who: String
    /// Of the tenant.
    package let dialects: Set<String>
    /// Dialects whose resellers mint no key of their own: the owner does (C5).
    package let mintedByOwner: Set<String>
    /// How much waits behind an entry of the navigation, by its path.
    package let counts: [String: Int]

    package init(
        name: String, logo: Link? = nil, stylesheets: [Link], who: String, dialects: Set<String> = [],
        mintedByOwner: Set<String> = [], counts: [String: Int] = [:]
    ) {
        self.mintedByOwner = mintedByOwner
        self.counts = counts
        self.name = name
        self.logo = logo
        self.stylesheets = stylesheets
        self.who = who
        self.dialects = dialects
    }
}

/// Some entries of the navigation beneath one word.
package struct NavigationSection: Sendable {
    package let title: String
    package let entries: [NavigationEntry]

    package init(_ title: String, _ entries: [NavigationEntry]) {
        self.title = title
        self.entries = entries
    }
}

package struct NavigationEntry: Sendable {
    package let title: String
    /// Below the surface, say `/resellers`; empty for its first page.
    package let path: StaticString
    package let icon: Icon
    /// It is there where the tenant has one of these dialects; none: always.
    package let dialects: [String]
    /// And for whoever may make this call of the surface's API, say `/people`, which is asked, or `POST /tenants`; nil:
    /// for everybody.
    package let asks: String?

    package init(
        _ title: String, _ path: StaticString, _ icon: Icon, dialect: String..., asks: String? = nil
    ) {
        self.asks = asks
        self.title = title
        self.path = path
        self.icon = icon
        dialects = dialect
    }
}

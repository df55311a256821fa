package import CallKit
package import HTML
package import HTTPCore
package import TenantRegistry

/// The pages of one site as a surface: a session's cookie opens them, and refusals are pages.
package protocol PageSurface: Surface {
    var site: Site { get }
}

extension PageSurface {
    package var basePath: String { site.basePath }
    package var title: String { site.title }
    package var isDescribed: Bool { false }
    package var credentialDomain: StaticString? { PageCookie.domain }

    package func credential(in head: RequestHead) -> Range<Int>? { PageCookie.place(of: .session, in: head) }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        guard let head, !head.prefersJSON else { return render(refusal, requestID: requestID) }
        if refusal == .unknownCredential { return .seeOther(signIn(head)) }
        if case .forbidden(let reason) = refusal, reason.isOfAnotherRole, let elsewhere = site.elsewhere {
            return strangers(head, elsewhere, requestID, tenant)
        }
        if refusal == .notFound(.path), let page = withoutSlash(head) { return .seeOther(page) }
        if refusal.isOfPlace, let page = firstPage(head) { return .seeOther(page) }
        let first = head.rootPath + site.basePath
        return RefusalPage(
            refusal, requestID: requestID, at: head, of: tenant, back: head.path == first ? nil : Link(path: first),
            site.title
        ).response
    }

    /// The page that somebody means whose address ends with a slash; nil where it does not, and for a form.
    private func withoutSlash(_ head: RequestHead) -> Link? {
        guard head.method == .get || head.method == .head, head.path.hasSuffix("/") else { return nil }
        let query = head.queryRange == nil ? "" : "?" + head.query
        let path = String(head.path.dropLast())
        // A query that no link may hold is left behind.
        return Link(path: path + query) ?? Link(path: path)
    }

    /// The list as it was asked for, from its beginning: addresses are sent to others, and a place in a list is of
    /// whoever was given it, for the filters of then. Nil where none was asked for, and for a form.
    private func firstPage(_ head: RequestHead) -> Link? {
        guard head.method == .get || head.method == .head, let query = try? head.readQuery() else { return nil }
        let kept = query.pairs.filter { !Visit.places.contains($0.name) && $0.name != "said" }
        guard query.pairs.contains(where: { Visit.places.contains($0.name) }) else { return nil }
        let said = [("said", Said.first.rawValue)]
        return Link(path: head.path + "?" + PercentEncoding.query(kept.map { ($0.name, $0.value) } + said))
    }

    /// Somebody has signed in for other pages: the first page leads there, and of the others there is none.
    private func strangers(
        _ head: RequestHead, _ elsewhere: StaticString, _ requestID: RequestID, _ tenant: TenantRecord?
    ) -> Response {
        let home = Link(elsewhere, below: Link(path: head.rootPath))
        guard head.path == head.rootPath + site.basePath else {
            return RefusalPage(
                .notFound(.path), requestID: requestID, at: head, of: tenant, back: home, "your pages"
            ).response
        }
        return .seeOther(home)
    }

    /// Where somebody signs in who is not known any more, and comes back from: the tenant's one sign-in, or the node's.
    private func signIn(_ head: RequestHead) -> Link {
        let isNode = head.rootPath.isEmpty && head.path.hasPrefix("/\(PageCookie.console)")
        let root = Link(path: isNode ? "/\(PageCookie.console)" : head.rootPath)
        // What a form was sent to is a page as well.
        return Link("/sign-in", query: [("next", head.pageToComeBackTo)], below: root)
    }

    /// The routes of these pages, and of the files that they hand out.
    package static func routes(_ pages: [Page], _ downloads: [Download] = [], of site: Site) -> [Route] {
        downloads.map { $0.route(of: site) } + pages.flatMap { $0.routes(of: site) } + [LooksForm.route(of: site)]
    }
}

extension Refusal {
    /// Whether the place in a list that was asked for is none of this list's.
    var isOfPlace: Bool {
        if case .badQuery(let reason) = self { reason.code == BadQuery.unknownCursor.code } else { false }
    }
}

extension RequestHead {
    /// The page that is asked for. A query with a credential in it is left out: it would stand in an address and in a
    /// form (L1).
    package var pageToComeBackTo: String {
        let query = try? readQuery()
        let isKept = query.map { !$0.pairs.contains { $0.name == "api_token" } } ?? false
        return isKept ? target : path
    }
}

/// A refusal for people, without the frame: what is known of the caller may be the very thing that was refused. It has
/// the tenant's looks as far as they are known without its file, which is not read for it.
package struct RefusalPage: Sendable {
    private let refusal: Refusal
    private let requestID: RequestID
    private let head: RequestHead
    private let tenant: TenantRecord?
    private let back: Link?
    private let place: String

    /// `back`: where one goes on from here, which is called `place`; nil where that is not known.
    package init(
        _ refusal: Refusal, requestID: RequestID, at head: RequestHead, of tenant: TenantRecord?, back: Link?,
        _ place: String
    ) {
        self.refusal = refusal
        self.requestID = requestID
        self.head = head
        self.tenant = tenant
        self.back = back
        self.place = place
    }

    package var response: Response {
        let title = Problem.title(refusal.status)
        let way: HTML? = back.map { #"<p><a href="\#($0)">Back to \#(place)</a></p>"# }
        let theme = tenant?.knownTheme(at: head.rootPath)
        let logo = theme?.logo.flatMap(Link.init(path:))
        let document = Layout(
            card: theme.map { "\(title) – \($0.name)" } ?? title,
            stylesheets: theme?.stylesheets ?? [Assets.stylesheet.link], icon: logo ?? Assets.icon.link,
            light: head.chosenLight, name: theme?.name, logo: logo,
            """
            <h1>\(title)</h1>\(Notice(.bad, "<p>\(refusal.sentence)</p>"))\(way)\
            <p class="sub">Request <code>\(requestID.text)</code></p>
            """)
        var response = Response.refused(
            refusal, contentType: PagePolicy.contentType, body: document.html.bytes, challenge: nil)
        response.headers.add(PagePolicy.headers)
        return response
    }
}

extension Forbidden {
    /// Whether whoever calls has come in by the wrong door, whatever is asked for.
    fileprivate var isOfAnotherRole: Bool { self == .sessionOnly || code == Forbidden.wrongRole(.owner).code }
}

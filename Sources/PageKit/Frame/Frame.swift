import CallKit
import HTML
package import HTTPCore

/// What stands around a page's content: who speaks, where one is, what was done. A value: any thread.
struct Frame: Sendable {
    private let visit: Visit
    private var around: Surroundings? { visit.surroundings }

    init(_ visit: Visit) { self.visit = visit }

    /// The status of a page that shows a refused form is the refusal's.
    func answer(_ content: PageContent) -> Answer {
        var answer = Answer(
            status: visit.attempt?.refusal?.status ?? 200, contentType: PagePolicy.contentType,
            body: document(content).html.bytes)
        answer.headers = PagePolicy.headers
        return answer
    }

    private func document(_ content: PageContent) -> Layout {
        var attributes = Attributes()
        attributes.set("class", "frame")
        attributes.set("data-mode", visit.isTest ? "test" : nil)
        return Layout(
            title: "\(content.title) – \(speaker)", stylesheets: around?.stylesheets ?? [Assets.stylesheet.link],
            scripts: [Assets.script.link] + content.scripts, icon: around?.logo ?? Assets.icon.link,
            light: visit.call.head.chosenLight, rows: visit.call.head.chosenRows, body: attributes,
            content: """
                <a class="skip" href="\(Link(fragment: "main"))">Skip to content</a>
                \(top)
                <nav class="side" aria-label="\(visit.site.title)">\(navigation)</nav>
                <main id="main" tabindex="-1">\(notice(content))\(head(content))\(content.body)</main>
                """)
    }

    private var speaker: String { around.map { "\($0.name) \(visit.site.title)" } ?? visit.site.title }

    private func head(_ content: PageContent) -> HTML {
        let sub: HTML? = content.sub.map { #"<p class="sub">\#($0)</p>"# }
        let actions: HTML? = content.actions.map { #"<div class="actions">\#($0)</div>"# }
        return #"<div class="head"><div><h1>\#(content.title)</h1>\#(sub)</div>\#(actions)</div>"#
    }

    // MARK: Top

    private var top: HTML {
        let logo: HTML? = around?.logo.map { #"<img src="\#($0)" alt="">"# }
        return """
            <header class="top">\
            <details class="menu"><summary>\(Icon.menu)<span class="unseen">Menu</span></summary>\
            <nav aria-label="\(visit.site.title) menu">\(navigation)</nav></details>\
            <a class="brand" href="\(visit.link(path: ""))">\(logo)<b dir="auto">\(around?.name ?? "Tollgate")</b>\
            <span>\(visit.site.title)</span></a>\(search)\(mode)\(account)</header>
            """
    }

    private var search: HTML? {
        // Whoever waits for approval has nothing to find.
        guard visit.site.hasSearch, !visit.isOfApplicant else { return nil }
        let mode: HTML? = visit.isTest ? FormField.hidden("mode", "test") : nil
        // A list's own filter may have the same name.
        let isShown = visit.call.head.path == visit.call.head.rootPath + visit.site.basePath + "/search"
        return """
            <form class="search" role="search" method="get" action="\(visit.link("/search"))">\(Icon.search)\(mode)\
            <input type="search" name="q" aria-label="Search" placeholder="\(visit.site.searchHint)" \
            value="\(isShown ? visit.asked("q") ?? "" : "")"></form>
            """
    }

    /// Both books at the same page: two windows must not lie (X7). Where a list goes on is of one book alone. A page
    /// that the other book does not have leads nowhere from the live one, and from the test book to where that begins.
    private var mode: HTML? {
        let isOfOne = visit.calls.isOfOneBook
        if isOfOne, !visit.isTest { return nil }
        switch visit.site.testBook {
        case .none: return nil
        case .byMode where !visit.isTest && !visit.calls.namesBook: return nil
        case .all where !visit.isTest && visit.isOfApplicant: return nil
        case .byMode, .all: break
        }
        var live = Attributes()
        live.set("aria-current", visit.isTest ? nil : "true")
        var test = Attributes()
        test.set("aria-current", visit.isTest ? "true" : nil)
        test.set("class", "test")
        let begun: [(String, String?)] = [("cursor", nil), ("page", nil)]
        let home = Link(path: visit.call.head.rootPath + visit.site.basePath)
        let other = home.flatMap { isOfOne ? $0 : nil } ?? visit.here([("mode", nil)] + begun)
        return """
            <nav class="mode" aria-label="Mode"><a href="\(other)"\(live)>Live</a>\
            <a href="\(visit.here([("mode", "test")] + begun))"\(test)>Test</a></nav>
            """
    }

    private var account: HTML {
        // The provider has keys in place of an account.
        let isOfNode = visit.call.realm.tenant == nil
        let own: HTML =
            isOfNode
            ? #"<a href="\#(visit.link("/keys"))">Provider keys</a>"#
            : #"<a href="\#(visit.link("/account"))">Account</a>"#
        let out = Form(open: visit.tokens, to: isOfNode ? visit.link("/sign-out") : visit.tenantLink("/sign-out")) {
            "\(Button("Sign out", .quiet))"
        }
        return """
            <details class="account"><summary>\(Icon.user)<span dir="auto">\(who)</span></summary>\
            <div>\(own)\(LooksForm(visit))\(out)</div></details>
            """
    }

    private var who: String {
        if let around { return around.who }
        guard case .node(let provider) = visit.call.realm else { return "" }
        return provider.key.map { "\($0.name) (\($0.role.rawValue))" } ?? "Provider"
    }

    // MARK: Navigation

    private var navigation: HTML {
        "\(each: visit.site.navigation, section)"
    }

    private func section(_ section: NavigationSection) -> HTML {
        let entries = section.entries.filter { entry in
            (entry.dialects.isEmpty || entry.dialects.contains { visit.has(dialect: $0) })
                && (entry.asks.map { visit.may($0) } ?? true)
        }
        if entries.isEmpty { return "" }
        let title: HTML? = section.title.isEmpty ? nil : "<p>\(section.title)</p>"
        return "\(title)<ul>\(each: entries, entry)</ul>"
    }

    private func entry(_ entry: NavigationEntry) -> HTML {
        var attributes = Attributes()
        attributes.set("aria-current", isCurrent(entry) ? "page" : nil)
        let waiting = around?.counts["\(entry.path)"] ?? 0
        let words: HTML = #"\#(Figure.grouped(waiting))<span class="unseen"> wait</span>"#
        let count: HTML? = waiting == 0 ? nil : #" <span class="count">\#(words)</span>"#
        return """
            <li><a href="\(visit.link(path: entry.path))"\(attributes)>\(entry.icon)\(entry.title)\(count)</a></li>
            """
    }

    /// Of entries one of which is below another, the lower one.
    private func isCurrent(_ entry: NavigationEntry) -> Bool {
        isShown(entry)
            && !visit.site.navigation.contains { section in
                section.entries.contains { "\($0.path)".hasPrefix("\(entry.path)/") && isShown($0) }
            }
    }

    private func isShown(_ entry: NavigationEntry) -> Bool {
        let path = visit.call.head.path.dropFirst(visit.call.head.rootPath.count + visit.site.basePath.count)
        let own = "\(entry.path)"
        return own.isEmpty ? path.isEmpty : path == own || path.hasPrefix(own + "/")
    }

    // MARK: What was done

    private func notice(_ content: PageContent) -> HTML? {
        if let problem = content.problem { return problem.html }
        if let attempt = visit.attempt, let refusal = attempt.refusal {
            return Problems(refusal) { attempt.field($0) }.html
        }
        return visit.asked("said").flatMap(Said.init).map { said in
            #"<div class="notice good" role="status"><p>\#(said.sentence)</p></div>"#
        }
    }
}

/// What pages may load and who may frame them: nothing but our own files, and nobody (U4).
package enum PagePolicy {
    package static let contentType: StaticString = "text/html; charset=utf-8"

    package static var headers: ResponseHeaders {
        var headers = ResponseHeaders()
        headers.add(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
        headers.add("X-Frame-Options", "DENY")
        headers.add("Referrer-Policy", "same-origin")
        return headers
    }
}

/// What was done, as the page that follows says it: a word in its address for a sentence of ours.
package enum Said: String, CaseIterable, Sendable {
    case saved, created, deleted, sent, invited, approved, suspended, resumed, terminated, revoked, rotated, retried
    case replayed, activated, rejected, refunded, cancelled, imported, applied, added, removed, ended, paid, ordered
    case confirmed, closed, moved, undone, renews, enabled, already, assigned, paused, first
    case resumedHeld = "resumed-held"

    var sentence: String {
        switch self {
        case .saved: "Saved."
        case .created: "Created."
        case .deleted: "Deleted."
        case .sent: "Sent."
        case .invited: "Invited."
        case .approved: "Approved."
        case .suspended: "Suspended."
        case .resumed: "Resumed."
        case .terminated: "Terminated."
        case .revoked: "Revoked: it opens nothing any more."
        case .rotated: "Rotated."
        case .retried: "It is tried again now."
        case .replayed: "They are sent again."
        case .activated: "Activated."
        case .rejected: "Rejected; what was held is released."
        case .refunded: "Refunded."
        case .cancelled: "Cancelled."
        case .imported: "Imported."
        case .applied: "Applied."
        case .added: "Added."
        case .removed: "Removed."
        case .ended: "Ended."
        case .paid: "Paid."
        case .ordered: "Ordered."
        case .confirmed: "Confirmed."
        case .closed: "Closed."
        case .moved: "Moved."
        case .undone: "Taken back."
        case .renews: "Your cancellation was taken back. The service renews unless its reseller has cancelled it too."
        case .already: "That was sent before, and was not done again."
        case .enabled: "Enabled. What was held waits for Replay."
        case .assigned: "Assigned."
        case .first: "This is the list's first page: the address led to a place that is not in it, or not yours."
        case .paused: "Paused. What is for it is held until it is resumed and replayed."
        case .resumedHeld: "Resumed. What was held waits for Replay."
        }
    }
}

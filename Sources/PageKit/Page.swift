package import CallKit
package import HTML
import HTTPCore
import TenantRegistry

/// A page of a surface: what it shows, and the forms that it takes. A page holds no rule of its own: it asks the APIs
/// for what it shows, and each of its forms is a call of one (`FormCall`). A value: any thread.
package struct Page: Sendable {
    /// A form as a call, where the API's own schema does not say it all; nil: as the schema says.
    package typealias Compose = @Sendable (Visit, FormInput) throws -> FormCall?
    /// A page in place of a redirection, by the call that was answered; nil: the redirection.
    package typealias Afterwards = @Sendable (Visit, FormCall, Row) throws -> PageContent?
    /// The same of a page that reads once more.
    package typealias AfterwardsReading = @Sendable (View, FormCall, Row) throws -> PageContent?

    private enum Writing: Sendable {
        case inOneRead(@Sendable (View) throws -> PageContent)
        case inSteps(@Sendable (SlowView) async throws -> PageContent)
        /// What there is to say is known.
        case known(PageContent)
    }

    /// Below the surface, say `/resellers/{id}`.
    let pattern: String
    private let title: String
    /// The call that it is the form of, say `POST /orders/{id}/activate`: who may not make that one is refused the
    /// page. Nil for pages that show something besides.
    private let asks: String?
    private let writing: Writing
    /// What its forms may bring, where that is more than text: files.
    private let bodyBytesMax: Int
    /// Whether a script of ours takes it anew by itself (`Route.isWatched`).
    private let isWatched: Bool
    private let compose: Compose?
    /// What is shown in place of a redirection once a form's call has been answered; nil: nothing. What it throws is
    /// shown as a refusal of the form.
    private let afterwards: Afterwards?
    private let afterwardsReading: AfterwardsReading?

    private init(
        _ pattern: String, _ title: String, _ asks: String?, _ bodyBytesMax: Int, _ compose: Compose?,
        _ afterwards: Afterwards?, _ afterwardsReading: AfterwardsReading?, isWatched: Bool = false, _ writing: Writing
    ) {
        self.asks = asks
        self.pattern = pattern
        self.title = title
        self.bodyBytesMax = bodyBytesMax
        self.isWatched = isWatched
        self.compose = compose
        self.afterwards = afterwards
        self.afterwardsReading = afterwardsReading
        self.writing = writing
    }

    /// A page that is gathered in one read of the tenant's file.
    package init(
        _ pattern: String, _ title: String, asks: String? = nil, bodyBytesMax: Int = Route.bodyBytesMax,
        compose: Compose? = nil, afterwards: Afterwards? = nil, afterwardsReading: AfterwardsReading? = nil,
        isWatched: Bool = false, _ write: @escaping @Sendable (View) throws -> PageContent
    ) {
        self.init(
            pattern, title, asks, bodyBytesMax, compose, afterwards, afterwardsReading, isWatched: isWatched,
            .inOneRead(write))
    }

    /// A page that is gathered in several steps.
    package init(
        inSteps pattern: String, _ title: String, asks: String? = nil, bodyBytesMax: Int = Route.bodyBytesMax,
        compose: Compose? = nil, afterwards: Afterwards? = nil, afterwardsReading: AfterwardsReading? = nil,
        _ write: @escaping @Sendable (SlowView) async throws -> PageContent
    ) {
        self.init(pattern, title, asks, bodyBytesMax, compose, afterwards, afterwardsReading, .inSteps(write))
    }

    /// A page that says something once, in place of another one.
    private init(_ page: Page, saying content: PageContent) {
        self.init(page.pattern, page.title, nil, page.bodyBytesMax, nil, nil, nil, .known(content))
    }

    /// GET shows it; POST takes its forms.
    package func routes(of site: Site) -> [Route] {
        [
            Route(
                .get, pattern, title, access: site.access, openIn: [.pending, .suspended], isWatched: isWatched,
                ignoresUnknownParameters: true
            ) { call in
                let visit = Visit(call, of: site)
                if let asks { try visit.expects(asks) }
                return show(visit)
            },
            Route(
                .post, pattern, "\(title): send a form", access: site.access,
                body: .whole(bytesMax: bodyBytesMax), openIn: [.pending, .suspended], isOpenToSupport: true,
                ignoresUnknownParameters: true, parameters: [.mode]
            ) { call in try take(Visit(call, of: site)) },
        ]
    }

    // MARK: Showing

    private func show(_ visit: Visit) -> Work {
        let call = visit.call
        let surroundings = visit.site.surroundings
        switch writing {
        case .inOneRead(let write):
            return .read { reader in
                let visit = visit.within(try surroundings?(reader, call))
                do {
                    return Self.answer(visit, try write(View(visit: visit, reader: reader)))
                } catch let refusal as Refusal { throw Self.reason(refusal, visit) }
            }
        case .known(let content):
            guard let surroundings else { return .answer(Frame(visit).answer(content)) }
            return .read { Frame(visit.within(try surroundings($0, call))).answer(content) }
        case .inSteps(let write):
            return .flow { steps in
                let around = surroundings == nil ? nil : try await steps.read { try surroundings?($0, call) }
                let visit = visit.within(around)
                do {
                    return .answer(Self.answer(visit, try await write(SlowView(visit: visit, steps: steps))))
                } catch let refusal as Refusal { throw Self.reason(refusal, visit) }
            }
        }
    }

    /// What a form was refused for, where its page is not there any more: what it was for has been done by others.
    private static func reason(_ refusal: Refusal, _ visit: Visit) -> Refusal {
        if case .notFound = refusal { visit.attempt?.refusal ?? refusal } else { refusal }
    }

    private static func answer(_ visit: Visit, _ content: PageContent) -> Answer {
        content.isElsewhere.map { .seeOther($0) }
            ?? Frame(content.attempt.map(visit.showing) ?? visit).answer(content)
    }

    // MARK: Taking a form

    private func take(_ visit: Visit) throws -> Work {
        let form = try FormInput(visit.call)
        if form.call == FormCall.none { return shownAgain(visit, form, nil) }
        let call: FormCall
        do { call = try compose?(visit, form) ?? FormCall(form, of: visit) } catch let refusal as Refusal {
            if refusal.fieldErrors.isEmpty { throw refusal }
            return refused(refusal, visit, form)
        }
        // Whoever may not is refused before the form counts as sent.
        if visit.call.realm.tenant == nil { try visit.expects(call.method, call.path, of: "") }
        guard let sent = SentForm(call, form, of: visit) else {
            guard let total = form[FormField.total] else { return make(call, form, visit) }
            return .flow { steps in
                if let moved = try await changed(since: total, call, visit, steps) { return .answer(moved) }
                return make(call, form, visit)
            }
        }
        return .flow { steps in
            guard try await sent.isFirst(steps) else { return .seeOther(form.nextOfSent(visit)) }
            return make(call, form, visit, refused: { sent.forget() })
        }
    }

    /// The page as it is now, where what it offers costs another amount than its form says that it showed; nil where it
    /// does not, or is offered no more: the call says why then. Nil too where the call was answered before: it is given
    /// that answer, and was done at the price of then.
    private func changed(
        since total: String, _ call: FormCall, _ visit: Visit, _ steps: Steps
    ) async throws -> Answer? {
        guard case .inOneRead(let write) = writing else { return nil }
        let surroundings = visit.site.surroundings
        return try await steps.read { reader in
            if try call.wasAnswered(to: visit.call.caller, reader) { return nil }
            let visit = visit.within(try surroundings?(reader, visit.call))
            var content: PageContent
            do { content = try write(View(visit: visit, reader: reader)) } catch is Refusal { return nil }
            guard let now = content.total, now != total else { return nil }
            content.problem = Problems(
                "Nothing was done: the price has changed. It was \(total) when it was shown, and is \(now) now.")
            return Self.answer(visit, content)
        }
    }

    private func make(
        _ call: FormCall, _ form: FormInput, _ visit: Visit, refused undone: @escaping @Sendable () -> Void = {}
    ) -> Work {
        .inner(
            InnerCall(
                call.method, call.path, query: call.query, body: call.body, fields: call.fields
            ) { answer in
                switch answer {
                case .done(let answer): return try tried(visit, form) { try done(visit, form, call, answer) }
                case .replayed(let stored) where stored.status < 400:
                    return try done(visit, form, call, Answer(status: stored.status, body: stored.body))
                // Decided for good under that key: the next press is another call.
                case .replayed: return .seeOther(visit.here([("once", nil)]))
                case .refused(let refusal):
                    undone()
                    return refused(refusal, visit, form)
                }
            })
    }

    private func done(_ visit: Visit, _ form: FormInput, _ call: FormCall, _ answer: Answer) throws -> Work {
        let row = try Row(answer)
        if let content = try afterwards?(visit, call, row) ?? Revealed(answer, of: form, visit)?.content {
            return Page(self, saying: content).show(visit)
        }
        let next = form.next(visit, row)
        guard let afterwardsReading else { return .seeOther(next) }
        let surroundings = visit.site.surroundings
        return .read { reader in
            let visit = visit.within(try surroundings?(reader, visit.call))
            guard let content = try afterwardsReading(View(visit: visit, reader: reader), call, row) else {
                return .seeOther(next)
            }
            return Frame(visit).answer(content)
        }
    }

    /// The page once more, with what was typed and what is wrong with it.
    private func refused(_ refusal: Refusal, _ visit: Visit, _ form: FormInput) -> Work {
        // The session itself opens nothing any more: that is no mistake in a field.
        if refusal == .unknownCredential { return .flow { _ in throw refusal } }
        return shownAgain(visit, form, refusal)
    }

    private func shownAgain(_ visit: Visit, _ form: FormInput, _ refusal: Refusal?) -> Work {
        show(Visit(visit.call, of: visit.site, attempt: Attempt(refusal, form.pairs, call: form.call ?? "")))
    }

    /// What a trial found wrong is shown as a refusal is.
    private func tried(_ visit: Visit, _ form: FormInput, _ body: () throws -> Work) throws -> Work {
        do { return try body() } catch let refusal as Refusal { return refused(refusal, visit, form) }
    }
}

/// What a page shows inside its frame. A value: any thread.
package struct PageContent: Sendable {
    package let title: String
    /// Beneath the title: ids, state.
    package let sub: HTML?
    /// Beside the title: what one does here.
    package let actions: HTML?
    package let body: HTML
    package let scripts: [Link]
    /// What a refusal says here, where its fields have other names than the page's.
    package fileprivate(set) var problem: Problems?
    /// What its form pays, and says in `FormField.total`; nil where it pays nothing.
    fileprivate(set) var total: String?
    /// What was tried by its address alone, and is wrong.
    private(set) var attempt: Attempt?
    /// Where it is in truth: a search that finds one thing shows that thing's page.
    let isElsewhere: Link?

    package static func elsewhere(_ link: Link) -> PageContent { PageContent("", isElsewhere: link, "") }

    package init(
        _ title: String, sub: HTML? = nil, actions: HTML? = nil, scripts: [Link] = [], problem: Problems? = nil,
        _ body: HTML
    ) {
        self.init(title, sub: sub, actions: actions, scripts: scripts, problem: problem, isElsewhere: nil, body)
    }

    /// The same, whose form pays so much.
    package func paying(_ total: String) -> PageContent {
        var content = self
        content.total = total
        return content
    }

    /// The same, which says what is wrong with what `view` tried.
    package func refused(in view: View) -> PageContent {
        var content = self
        content.attempt = view.visit.attempt
        return content
    }

    private init(
        _ title: String, sub: HTML? = nil, actions: HTML? = nil, scripts: [Link] = [], problem: Problems? = nil,
        isElsewhere: Link?, _ body: HTML
    ) {
        self.problem = problem
        self.title = title
        self.sub = sub
        self.actions = actions
        self.scripts = scripts
        self.isElsewhere = isElsewhere
        self.body = body
    }
}

extension Work {
    static func seeOther(_ link: Link) -> Work { .answer(.seeOther(link)) }
}

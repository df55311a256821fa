package import CallKit
import Cryptography
package import HTML
import HTTPCore
import PageKit

/// What the forms of a page carry that nobody has signed in for (U4): the token of a cookie that is theirs alone.
/// Whoever comes without the cookie is given one.
package struct OpenForm {
    package let tokens: FormTokens
    /// To be set with the page; nil where the browser has it.
    private let cookie: String?
    private let head: RequestHead

    private static let valueBytesMax = 128

    package init(_ call: Call) {
        head = call.head
        let known = PageCookie.value(of: .form, in: call).flatMap { $0.count <= Self.valueBytesMax ? $0 : nil }
        let fresh = known == nil ? PageCookie.newValue(by: call.services.random) : ""
        cookie = known == nil ? PageCookie(.form, of: call).set(fresh) : nil
        tokens = FormTokens(
            csrf: FormGate.token(for: known ?? Array(fresh.utf8)), once: Hex.encode(call.services.random.bytes(16)))
    }

    /// The page with its cookie.
    package func answer(_ page: HTMLPage, to refusal: Refusal? = nil) -> Answer {
        let page = page.seen(by: head)
        var answer = refusal.map { page.answer(to: $0) } ?? page.answer()
        if let cookie { answer.headers.add("Set-Cookie", cookie) }
        return answer
    }
}

extension Steps {
    /// Whether a form that set a password came again (0062): the password that it brings is the one that stands.
    /// Metered as a sign-in is, and with it (G6).
    package func isSentAgain(
        _ password: String, setting hash: String?, of email: String, id: Int64, at place: KnownPlace, _ call: Call
    ) async throws -> Bool {
        let isKnown = try await read { try $0.knows(place, of: id) }
        return try await verifies(
            password, against: hash, decoy: call.services.decoyHash, place.guess(email, isKnown: isKnown))
    }
}

extension Call {
    /// A page below the tenant's address, or the node's.
    package func link(_ path: StaticString, query: [(name: StaticString, value: String?)] = []) -> Link {
        Link(path, query: query, below: Link(path: head.rootPath))
    }

    /// The form that came, field by field; empty where none did.
    private var form: [(name: String, value: String)] { (try? Query(form: body))?.pairs ?? [] }

    package func field(_ name: String) -> String? { form.last { $0.name == name }?.value }
}

extension Refusal {
    /// At the head of a page that shows its form again. `labels`: what it calls its fields; without them, or where none
    /// of them is to blame, it is one sentence. `text`: where a surface has its own. `hasFocus`: whether the sentence
    /// has the focus, where no field takes it.
    package func notice(_ labels: [String: String], text: String? = nil, hasFocus: Bool = false) -> HTML {
        guard namesFields else {
            let said = text ?? sentence
            return hasFocus ? Problems(said).html : Notice(.bad, "<p>\(said)</p>").html
        }
        return Problems(self) { name in labels[name].map { (label: $0, id: FormField.id(name)) } }.html
    }

    /// Whether its notice leads to fields. It has the focus then, and no field has.
    package var namesFields: Bool { !fieldErrors.isEmpty }

    /// What is wrong with the field of this name.
    package func error(of name: String) -> String? {
        fieldErrors.first { $0.pointer == "/\(name)" }?.detail
    }
}

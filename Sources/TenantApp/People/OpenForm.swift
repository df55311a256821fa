package import CallKit
import Cryptography
package import HTML
import HTTPCore

/// What the forms of a page carry that nobody has signed in for (U4): the token of a cookie that is theirs alone.
/// Whoever comes without the cookie is given one.
package struct OpenForm {
    package let tokens: FormTokens
    /// To be set with the page; nil where the browser has it.
    private let cookie: String?

    private static let valueBytesMax = 128

    package init(_ call: Call) {
        let known = PageCookie.value(of: .form, in: call).flatMap { $0.count <= Self.valueBytesMax ? $0 : nil }
        let fresh = known == nil ? PageCookie.newValue(by: call.services.random) : ""
        cookie = known == nil ? PageCookie(.form, of: call).set(fresh) : nil
        tokens = FormTokens(
            csrf: FormGate.token(for: known ?? Array(fresh.utf8)), once: Hex.encode(call.services.random.bytes(16)))
    }

    /// The page with its cookie.
    package func answer(_ page: HTMLPage, to refusal: Refusal? = nil) -> Answer {
        var answer = refusal.map { page.answer(to: $0) } ?? page.answer()
        if let cookie { answer.headers.add("Set-Cookie", cookie) }
        return answer
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
    /// What is wrong with the field of this name.
    package func error(of name: String) -> String? {
        guard case .invalid(let errors) = self else { return nil }
        return errors.first { $0.pointer == "/\(name)" }?.detail
    }
}

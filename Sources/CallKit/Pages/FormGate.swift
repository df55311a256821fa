import Cryptography
package import HTTPCore

/// What lets a page's form have an effect (U4): it comes from a page of ours, as its browser says, and carries the
/// token of the cookie that comes with it. Another site can send neither. A value: any thread.
package enum FormGate: Sendable, Equatable {
    /// Of whoever has signed in: the session's cookie.
    case session
    /// Of open pages: the form's cookie.
    case open
    /// The same, of pages whose address is a secret: programs, which have neither cookie nor origin, call them too.
    case openToPrograms

    /// The form's field, and the parameter of an address to which a file is sent.
    package static let fieldName = "_token"
    private static let characters = 22

    private var purpose: PageCookie.Purpose { self == .session ? .session : .form }

    /// By the head alone. `isSecure`: whether the client speaks TLS, as far as is known. `publicURL`: where browsers
    /// reach us, if a proxy calls us by another name.
    package func judge(_ head: RequestHead, isSecure: Bool, publicURL: String?) throws(Refusal) {
        let site = head.joinedValues(of: .secFetchSite)
        if let site, site != "same-origin", site != "none" { throw .forbidden(.foreignForm) }
        guard let origin = head.joinedValues(of: .origin) else { return }
        // A page that tells nobody its address has the origin `null`; then the browser's other word counts.
        if origin == "null", site == "same-origin" { return }
        let called = Self.Origin(origin)
        guard let called, called.isOf(head, isSecure: isSecure) || called == publicURL.flatMap(Self.Origin.init) else {
            throw .forbidden(.foreignForm)
        }
    }

    private struct Origin: Equatable {
        let scheme: Substring
        let authority: String

        /// Of an address too: what stands behind the authority does not count.
        init?(_ text: String) {
            guard let end = text.firstRange(of: "://") else { return nil }
            scheme = text[..<end.lowerBound]
            authority = Self.plain(String(text[end.upperBound...].prefix { $0 != "/" }), scheme)
        }

        /// Behind a proxy that nobody told us of, we do not know that the browser speaks TLS.
        func isOf(_ head: RequestHead, isSecure: Bool) -> Bool {
            guard let host = head.value(of: .host) else { return false }
            return (scheme == "https" || scheme == "http" && !isSecure) && authority == Self.plain(host, scheme)
        }

        /// A browser leaves out the port that its scheme has anyway.
        private static func plain(_ authority: String, _ scheme: Substring) -> String {
            let port = scheme == "https" ? ":443" : ":80"
            let folded = authority.lowercased()
            return folded.hasSuffix(port) ? String(folded.dropLast(port.count)) : folded
        }
    }

    /// By the token that the form carries, or the address it is sent to.
    package func judge(_ head: RequestHead, body: [UInt8], isSecure: Bool) throws(Refusal) {
        let place = PageCookie.place(of: purpose, in: head, isSecure: isSecure)
        let cookie = place.map { Array(head.bytes[$0]) }
        if self == .openToPrograms, cookie == nil, !head.isBrowsers { return }
        guard let cookie, let token = try Self.token(in: head, body) else { throw .forbidden(.staleForm) }
        guard constantTimeEqual(Array(token.utf8), Array(Self.token(for: cookie).utf8)) else {
            throw .forbidden(.staleForm)
        }
    }

    /// Nil where there is none, or two. A form may have more fields than anybody reads for it.
    private static func token(in head: RequestHead, _ body: [UInt8]) throws(Refusal) -> String? {
        if let parts = try head.parts(body) {
            let tokens = parts.pairs.filter { $0.name == fieldName }
            return tokens.count == 1 ? tokens[0].value : nil
        }
        let text = head.isForm ? body[...] : head.queryRange.map { head.bytes[$0] } ?? []
        let name = Array("\(fieldName)=".utf8)
        let tokens = text.split(separator: UInt8(ascii: "&")).filter { $0.starts(with: name) }
        return tokens.count == 1 ? String(decoding: tokens[0].dropFirst(name.count), as: UTF8.self) : nil
    }

    /// What forms carry beside a cookie of this value.
    package static func token(for cookie: [UInt8]) -> String {
        String(Base64.encodeURL(HMACSHA256.code(key: cookie, Array("form".utf8)).bytes).prefix(characters))
    }
}

extension RequestHead {
    /// A browser says where a form comes from.
    fileprivate var isBrowsers: Bool { range(of: .secFetchSite) != nil || range(of: .origin) != nil }
}

package import Cryptography
package import HTTPCore
import TenantRegistry

/// The two cookies of pages (U4): a session's, and the one that the forms of open pages hang on. Each names whose it
/// is, a tenant or the provider's console, so that neither opens anything of another's. A value: any thread.
package struct PageCookie: Sendable {
    package enum Purpose: Sendable {
        case session
        /// For forms of whoever has not signed in.
        case form
    }

    /// What the text of a session's cookie is hashed behind: a cookie is no bearer token, and no token is a cookie.
    package static let domain: StaticString = "tollgate page\0"
    /// The name of the console's, where a tenant's has its slug.
    package static let console = "console"

    private static let hostPrefix = "__Host-"
    private static let prefix = "tg-"
    /// Behind the slug, which has no full stop.
    private static let formSuffix = ".form"
    private static let randomBytes = 32

    private let name: String
    private let path: String
    private let isSecure: Bool

    /// `owner`: a slug, or `console`. `path`: where its pages are. Over TLS the browser keeps it for this host alone.
    private init(_ purpose: Purpose, owner: String, path: String, isSecure: Bool) {
        self.isSecure = isSecure
        self.path = isSecure || path.isEmpty ? "/" : path
        name = (isSecure ? Self.hostPrefix : "") + Self.prefix + owner + (purpose == .form ? Self.formSuffix : "")
    }

    /// The cookie of the tenant or the console that a call is about.
    package init(_ purpose: Purpose, of call: Call) {
        let isOfNode = call.realm.tenant == nil
        self.init(
            purpose, owner: call.realm.tenant?.slug ?? Self.console,
            path: isOfNode ? "/\(Self.console)" : call.head.rootPath, isSecure: call.isSecure)
    }

    // MARK: Set-Cookie

    /// It goes with the browser: the end that counts is the session's.
    package func set(_ value: String) -> String {
        "\(name)=\(value); Path=\(path); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }

    package var cleared: String { "\(set("")); Max-Age=0" }

    /// What a form's cookie holds.
    package static func newValue(by random: any RandomSource) -> String { Base64.encodeURL(random.bytes(randomBytes)) }

    // MARK: Finding it

    /// The place of its value in a head; nil where there is none. The path names the owner. At a tenant's own host
    /// there is one owner, whose cookie it is. One that TLS has guarded goes before one that it has not, and alone
    /// counts where `isSecure`: others can be planted by whoever holds the line or a name beside ours.
    package static func place(of purpose: Purpose, in head: RequestHead, isSecure: Bool = false) -> Range<Int>? {
        let owner = head.pageOwner
        var unguarded: Range<Int>?
        for (name, value) in head.cookies where !value.isEmpty {
            let isGuarded = name.starts(with: hostPrefix.utf8)
            guard isOwn(isGuarded ? name.dropFirst(hostPrefix.utf8.count) : name, purpose, owner) else { continue }
            if isGuarded { return value }
            if unguarded == nil, !isSecure { unguarded = value }
        }
        return unguarded
    }

    private static func isOwn(_ name: ArraySlice<UInt8>, _ purpose: Purpose, _ owner: ArraySlice<UInt8>?) -> Bool {
        guard name.starts(with: prefix.utf8) else { return false }
        var named = name.dropFirst(prefix.utf8.count)
        let isForm = named.suffix(formSuffix.utf8.count).elementsEqual(formSuffix.utf8)
        guard isForm == (purpose == .form) else { return false }
        if isForm { named = named.dropLast(formSuffix.utf8.count) }
        guard let owner else { return !named.elementsEqual(console.utf8) }
        return named.elementsEqual(owner)
    }

    /// Its value in the head of a call; nil where there is none.
    package static func value(of purpose: Purpose, in call: Call) -> [UInt8]? {
        place(of: purpose, in: call.head, isSecure: call.isSecure).map { Array(call.head.bytes[$0]) }
    }
}

extension RequestHead {
    /// The path of the tenant's address as it was called: `/t/{slug}`, or empty where the host names the tenant.
    package var rootPath: String { slugRange.map { string(pathRange.lowerBound..<$0.upperBound) } ?? "" }

    private var slugRange: Range<Int>? {
        guard bytes[pathRange].starts(with: "/t/".utf8) else { return nil }
        let start = pathRange.lowerBound + 3
        return start..<(bytes[start..<pathRange.upperBound].firstIndex(of: UInt8(ascii: "/")) ?? pathRange.upperBound)
    }

    /// Whose pages the path leads to: a slug's or the console's; nil where the host says it.
    fileprivate var pageOwner: ArraySlice<UInt8>? {
        if let slugRange { return bytes[slugRange] }
        let path = bytes[pathRange]
        guard path.starts(with: "/\(PageCookie.console)".utf8) else { return nil }
        let name = path.dropFirst().prefix { $0 != UInt8(ascii: "/") }
        return name.elementsEqual(PageCookie.console.utf8) ? name : nil
    }
}

extension SHA256 {
    /// The hash under which a credential is kept. `domain`: see `Surface.credentialDomain`.
    package static func hash(_ credential: some Sequence<UInt8>, behind domain: StaticString) -> Digest {
        var bytes: [UInt8] = []
        domain.withUTF8Buffer { bytes += $0 }
        bytes += credential
        return hash(bytes)
    }
}

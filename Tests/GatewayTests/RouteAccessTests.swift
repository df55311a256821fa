import CallKit
import Foundation
import HTTPCore
import Provider
import TenantApp
import TenantRegistry
import TestGateway
import Testing

@testable import Gateway

/// No route is without a test of who may call it (G1). The routes are those that the program registers, and the tests
/// are calls: of APIs that describe themselves by `Tests/Contract/access.py`, of all others here.
@Suite struct RouteAccessTests {
    @Test("G1 every route of an API that describes itself is in docs/access.md, which is written from calls by all")
    func describedRoutes() async throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/access.md"), encoding: .utf8)
        var base: Substring = ""
        var tried: Set<String> = []
        for line in page.split(separator: "\n") {
            if line.hasPrefix("## ") { base = line.dropFirst(3) }
            let cell = line.split(separator: "`", omittingEmptySubsequences: false)
            guard line.hasPrefix("| `"), cell.count > 1, let space = cell[1].firstIndex(of: " ") else { continue }
            tried.insert(Self.nameless("\(cell[1][...space])\(base)\(cell[1][space...].dropFirst())"))
        }
        let known = tried
        try await withGateway(.inProcess) { gateway in
            for surface in Self.surfaces(of: gateway) where surface.isDescribed {
                let actions = surface.routes.map { Self.action($0, of: surface) }
                #expect(!actions.isEmpty, "\(surface.name) has no route")
                for action in actions { #expect(known.contains(action), "nobody has tried who may call \(action)") }
            }
        }
    }

    @Test("G1 U4 every page, download and form of signed-in people is refused to everybody else, at every path")
    func routesOfSessions() async throws {
        try await withGateway(.inProcess) { gateway in
            let callers = try await Callers(gateway)
            let pages = Self.surfaces(of: gateway).filter { $0.credentialDomain != nil }
            #expect(Set(pages.map(\.basePath)) == ["/admin", "/portal", "/console"])
            for surface in pages {
                #expect(Set(surface.routes.map(\.method)) == [.get, .post], "\(surface.name)")
                for route in surface.routes {
                    let action = Self.action(route, of: surface)
                    for (who, caller) in callers.strangers(to: surface.basePath) {
                        let answer = try await callers.call(route, of: surface, as: caller)
                        let isTurnedAway = Self.isTurnedAway(answer, from: surface.basePath)
                        #expect(isTurnedAway, "\(action), \(who): \(answer.status)")
                    }
                    // Their forms, which would have an effect, are pressed by Tests/Browser.
                    guard route.method == .get else { continue }
                    let answer = try await callers.call(route, of: surface, as: callers.own(of: surface.basePath))
                    #expect(answer.status < 500 && ![401, 403, 429].contains(answer.status), "\(action)")
                    #expect(!(answer.field("Location") ?? "").contains("/sign-in"), "\(action)")
                }
            }
        }
    }

    @Test("G1 what anybody may call is listed with its reason, and answers alike whoever calls it")
    func openRoutes() async throws {
        try await withGateway(.inProcess) { gateway in
            let callers = try await Callers(gateway)
            let open = Self.surfaces(of: gateway).filter { !$0.isDescribed && $0.credentialDomain == nil }
            let reasons = OpenRoutes.reasons(describedAt: Self.surfaces(of: gateway).filter(\.isDescribed))
            let registered = open.flatMap { surface in surface.routes.map { Self.action($0, of: surface) } }
            #expect(!registered.isEmpty)
            #expect(Set(registered).subtracting(reasons.keys).isEmpty, "open to everybody, and nobody says why")
            #expect(Set(reasons.keys).subtracting(registered).isEmpty, "said to be open, and not there")
            for surface in open {
                for route in surface.routes {
                    let action = Self.action(route, of: surface)
                    let plain = try await callers.call(route, of: surface, as: Caller())
                    #expect(plain.status < 500 && plain.status != 429, "\(action): \(plain.status)")
                    if OpenRoutes.signed.contains(action) { #expect(plain.status == 401, "\(action)") }
                    for (who, caller) in callers.everybody {
                        let answer = try await callers.call(route, of: surface, as: caller)
                        #expect(answer.status < 500 && answer.status != 429, "\(action), \(who): \(answer.status)")
                        #expect(Self.isRefused(answer) == Self.isRefused(plain), "\(action), \(who): \(answer.status)")
                    }
                }
            }
        }
    }

    @Test("G7 P2 the node's own paths at the root are health, metrics and what pages load: for everybody, and no more")
    func rootPaths() async throws {
        try await withGateway(.inProcess) { gateway in
            let callers = try await Callers(gateway)
            #expect(Router.rootPaths.filter { !$0.hasPrefix("/assets/") } == Set(OpenRoutes.rootPaths.keys))
            for path in Router.rootPaths {
                for (who, caller) in callers.everybody {
                    let answer = try await gateway.send(caller.signing(TestRequest("GET", path)))
                    #expect(answer.status == 200, "\(path), \(who)")
                }
            }
        }
    }

    // MARK: What is registered

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func surfaces(of gateway: TestGateway) -> [any Surface] {
        let tenants: [any Surface] = Gateway.dialects
        let provider = ProviderAPI(
            fleet: gateway.fleet, blueprints: gateway.blueprints, scrypt: gateway.services.scrypt,
            hosts: Configuration().hosts, levels: TenantLevels(routeClasses: []), watch: NodeWatch())
        return tenants + Gateway.nodeSurfaces(provider)
    }

    private static func action(_ route: Route, of surface: any Surface) -> String {
        nameless("\(route.method.rawValue) \(surface.basePath)\(route.pattern)")
    }

    /// Parameters have other names in one table than in another.
    private static func nameless(_ action: String) -> String { action.replacing(#/\{[^}]*\}/#, with: "{}") }

    // MARK: How a call ends

    private static func isRefused(_ answer: TestResponse) -> Bool { answer.status == 401 || answer.status == 403 }

    /// Refused, sent to the sign-in, shown it in place of a form's effect, or, as somebody who has other pages, told
    /// that there is no such page or sent to their own.
    private static func isTurnedAway(_ answer: TestResponse, from base: String) -> Bool {
        let location = answer.field("Location") ?? ""
        switch answer.status {
        case 401, 403: return true
        case 200:
            let isSignIn = answer.text.contains("/sign-in\"") && answer.text.contains("type=\"password\"")
            return isSignIn && !answer.text.contains("/sign-out")
        case 303: return location.contains("/sign-in") || base != "/console" && !location.contains(base)
        case 404: return answer.text.contains("Back to your pages")
        default: return false
        }
    }
}

/// Somebody who calls: what the head and the form carry for it. A value.
private struct Caller: Sendable {
    var key: String?
    var cookie: String?
    var token: String?

    func signing(_ request: TestRequest) -> TestRequest {
        var request = request
        if let key { request = request.bearer(key) }
        if let cookie { request = request.with("Cookie", cookie) }
        return request
    }
}

/// Everybody who could call a page of the tenant `hosting`, or of the console.
private struct Callers {
    private let gateway: TestGateway
    private let hosting: TestTenant
    private let owner, reseller, foreigner, provider: PageSession
    private let keys: [(String, Caller)]

    init(_ gateway: TestGateway) async throws {
        self.gateway = gateway
        hosting = try await gateway.tenant("hosting")
        let other = try await gateway.tenant("hosting", slug: "other")
        owner = try await hosting.signIn(hosting.ownerEmail, hosting.ownerPassword)
        reseller = try await hosting.signIn(hosting.reseller.email, hosting.reseller.password)
        foreigner = try await other.signIn(other.ownerEmail, other.ownerPassword)
        provider = try await PageSession(
            gateway, at: "/console/sign-in", [(name: "key", value: gateway.providerKey)])
        keys = [
            ("nobody", Caller()), ("the owner's key", Caller(key: hosting.ownerKey)),
            ("a reseller's key", Caller(key: hosting.key)), ("another owner's key", Caller(key: other.ownerKey)),
            ("the provider's key", Caller(key: gateway.providerKey)),
        ]
    }

    /// Whoever has signed in sends no form of a page: with its token the way out would be taken.
    var everybody: [(String, Caller)] {
        keys + [("the owner", Caller(cookie: owner.cookie)), ("a reseller", Caller(cookie: reseller.cookie))]
    }

    /// Who looks at pages below this path.
    func own(of base: String) -> Caller {
        Self.person(base == "/console" ? provider : base == "/admin" ? owner : reseller)
    }

    /// Everybody else, some under the name of the cookie that is looked for.
    func strangers(to base: String) -> [(String, Caller)] {
        let name = base == "/console" ? PageCookie.console : hosting.slug
        let inside = base == "/admin" ? reseller : owner
        var strangers = keys
        strangers.append(
            ("nobody's cookie", Caller(cookie: "tg-\(name)=\(String(repeating: "0", count: 64))", token: "none")))
        strangers.append(("another tenant's owner", Self.person(foreigner, as: name)))
        strangers.append(("somebody of the tenant who has other pages", Self.person(inside, as: name)))
        if base != "/console" { strangers.append(("the provider", Self.person(provider, as: name))) }
        return strangers
    }

    private static func person(_ session: PageSession, as owner: String? = nil) -> Caller {
        Caller(cookie: owner.map(session.renamed) ?? session.cookie, token: session.token)
    }

    /// One call as a browser makes it, from an address of its own: strangers are metered by theirs, and sessions by
    /// the clock, which goes on by a second.
    func call(_ route: Route, of surface: any Surface, as caller: Caller) async throws -> TestResponse {
        gateway.clock.advance(seconds: 1)
        let path = "\(surface.basePath)\(route.pattern)".replacing(#/\{[^}]*\}/#, with: "none")
        let target = surface is any Dialect ? hosting.path(path) : path
        let number = Int(gateway.next()) ?? 0
        let request = TestRequest(route.method.rawValue, target).with("Accept", "text/html")
            .from("198.18.\(number >> 8 & 255).\(number & 255)")
        guard route.method == .post else { return try await gateway.send(caller.signing(request)) }
        var fields: [(name: String, value: String)] = []
        if let token = caller.token { fields.append((name: "_token", value: token)) }
        return try await gateway.send(caller.signing(request.form(fields)))
    }
}

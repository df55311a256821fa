import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import Testing

@Suite("who may call a route")
struct RouteJudgeTests {
    static let roles: [KeyRole] = [.owner, .operator, .reseller, .ownerSession, .operatorSession, .resellerSession]

    /// Nil where the call is let through.
    private func refusal(
        _ route: Route, _ role: KeyRole, _ state: ResellerState?, apiAccess: Bool = true, scopes: Scopes = []
    ) -> Refusal? {
        let key = KeyProjection(
            keyID: 1, publicID: "k", role: role, book: .live, scopes: scopes, resellerID: 1, accountID: 1,
            isRevoked: false, expiresAt: nil, limit: nil, epoch: 0, secrets: [])
        do {
            try route.judge(key: key, resellerState: state, apiAccess: apiAccess)
            return nil
        } catch {
            return error
        }
    }

    private func route(
        _ access: Route.Access, _ method: HTTPCore.Method = .post, openIn: Set<ResellerState> = []
    ) -> Route {
        Route(method, "/x", "Does it", access: access, openIn: openIn) { _ in .answer(.noContent) }
    }

    @Test("W1 a terminated reseller's credential is unknown to every route")
    func terminated() {
        for role in [KeyRole.reseller, .resellerSession] {
            let everywhere = route(.reseller([]), .get, openIn: [.pending, .suspended, .terminated])
            #expect(refusal(everywhere, role, .terminated) == .unknownCredential)
        }
    }

    @Test("W1 a pending reseller's person opens what names the state, a key nothing")
    func pending() {
        let closed = Refusal.forbidden(.resellerPending)
        #expect(refusal(route(.reseller([]), .get), .resellerSession, .pending) == closed)
        #expect(refusal(route(.reseller([]), openIn: [.suspended]), .resellerSession, .pending) == closed)
        #expect(refusal(route(.reseller([]), openIn: [.pending]), .resellerSession, .pending) == nil)
        #expect(refusal(route(.reseller([]), openIn: [.pending]), .reseller, .pending) == closed)
    }

    @Test("W1 a suspended reseller's person reads, and writes what names the state")
    func suspended() {
        let closed = Refusal.forbidden(.resellerSuspended)
        #expect(refusal(route(.reseller([]), .get), .resellerSession, .suspended) == nil)
        #expect(refusal(route(.reseller([]), .get), .reseller, .suspended) == closed)
        #expect(refusal(route(.reseller([]), openIn: [.pending]), .resellerSession, .suspended) == closed)
        #expect(refusal(route(.resellerSession, openIn: [.suspended]), .resellerSession, .suspended) == nil)
    }

    @Test("W1 without API access an active reseller's keys open nothing, its people everything")
    func apiAccess() {
        let route = route(.reseller([]), .get)
        #expect(refusal(route, .reseller, .active, apiAccess: false) == .forbidden(.apiAccessOff))
        #expect(refusal(route, .resellerSession, .active, apiAccess: false) == nil)
    }

    @Test("G6 what a suspended reseller's person may still change a full one may too, and each secret gets another")
    func needsNoRoom() {
        let routes = Dialects.all.flatMap(\.routes).filter { route in
            switch route.access {
            case .reseller, .resellerWithAny, .resellerSession: route.moves != .nothing
            default: false
            }
        }
        let ends = routes.filter { $0.openIn.contains(.suspended) || $0.pattern == "/webhooks/{id}/pause" }
        #expect(
            Set(ends.map(\.pattern)).isSuperset(of: ["/session", "/logout", "/login/signout", "/account/password"]))
        let renewals = routes.filter { route in
            let isSecret = route.pattern.hasSuffix("/rotate") || route.pattern == "/webhook/secret"
            return isSecret && !route.pattern.contains("/ports/") || route.pattern.hasPrefix("/regenerate-")
        }
        #expect(renewals.count >= 9)
        for route in ends + renewals { #expect(route.needsNoRoom, "\(route.method.rawValue) \(route.pattern)") }
        // What is taken on anew finds its room first.
        for pattern in ["/orders", "/keys", "/webhooks", "/webhooks/{id}/resume", "/services/{id}/pay", "/generate"] {
            let taking = routes.filter { $0.method == .post && $0.pattern == pattern }
            #expect(!taking.isEmpty && taking.allSatisfy { !$0.needsNoRoom }, "\(pattern)")
        }
    }

    @Test("P2 G3 at a full quota of bytes what ends access, gives back or replaces a secret goes on, and signing in")
    func needsNoRoomAtQuota() {
        let routes = Dialects.all.flatMap(\.routes)
        for route in routes where route.method == .delete || route.openCalls == .signIns {
            // A reseller that has a service renew after all takes nothing away.
            let renews = route.pattern == "/services/{id}/cancel" && route.access != .administrator
            #expect(route.needsNoRoom == !renews, "\(route.pattern)")
        }
        let operators = routes.filter { $0.access == .administrator || $0.access == .owner }
        for pattern in [
            "/api-keys/{id}/rotate", "/resellers/{id}/suspend", "/resellers/{id}/terminate", "/people/{id}",
            "/resellers/{id}/webhook-secret/rotate", "/account/password", "/orders/{id}/refund", "/orders/{id}/reject",
            "/services/{id}/cancel", "/services/{id}/suspend", "/webhooks/{id}/disable",
        ] {
            let ending = operators.filter { $0.pattern == pattern && $0.moves != .nothing }
            #expect(!ending.isEmpty && ending.allSatisfy { $0.needsNoRoom }, "\(pattern)")
        }
        for pattern in [
            "/api-keys", "/resellers", "/people", "/products", "/resellers/{id}/approve", "/resellers/{id}/resume",
            "/webhooks/{id}/enable", "/services/{id}/resume",
        ] {
            let taking = operators.filter { $0.pattern == pattern && $0.method == .post }
            #expect(!taking.isEmpty && taking.allSatisfy { !$0.needsNoRoom }, "\(pattern)")
        }
    }

    @Test("each access opens to its roles alone")
    func roles() {
        let opened: [(Route.Access, Set<KeyRole>)] = [
            (.open, Set(Self.roles)), (.administrator, [.owner, .operator, .ownerSession, .operatorSession]),
            (.owner, [.owner, .ownerSession]), (.reseller([]), [.reseller, .resellerSession]),
            (.openOrReseller([]), [.reseller, .resellerSession]), (.resellerSession, [.resellerSession]),
        ]
        for (access, roles) in opened {
            for role in Self.roles {
                let state: ResellerState? = role.isAdministrator ? nil : .active
                #expect((refusal(route(access), role, state) == nil) == roles.contains(role))
            }
        }
    }

    @Test("a key without the scope is told which one it lacks")
    func scopes() {
        let one = NamedScopes("one", bit: 3)
        #expect(refusal(route(.reseller(one)), .reseller, .active, scopes: []) == .forbidden(.scopeMissing(one)))
        #expect(refusal(route(.reseller(one)), .reseller, .active, scopes: one.bits) == nil)
    }
}

import CallKit
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry
import Testing

@Suite struct OperatorKeys {
    @Test("O1 the account decides what a minted key speaks for, and is who its calls are attributed to")
    func minting() async throws {
        try await Office.open { office in
            let reseller = await office.call(.post, "/resellers", #"{"email":"Shop@Example.com","name":"Shop"}"#)
            await office.call(.post, "/resellers/\(reseller["id"])/approve")
            let request =
                #"{"owner_email":"SHOP@example.com","scopes":["partner:read"],"name":"web","limit":{"requests":5,"window_seconds":1}}"#
            let minted = await office.call(.post, "/api-keys", request, id: "mint")
            #expect(minted.status == 201)
            #expect(minted["ok"] == "true" && minted["role"] == "reseller" && minted["mode"] == "live")
            let caller = try #require(office.caller(minted["key"]))
            #expect(caller.projection.scopes.names == ["partner:read"])
            #expect(caller.projection.limit == Policy(requests: 5, windowSeconds: 1, burst: 5))
            // A replay never shows the key.
            let replay = await office.call(.post, "/api-keys", request, id: "mint")
            #expect(replay.isReplay && replay["already_shown"] == "true" && !replay.text.contains(minted["key"]))
            let shown = await office.call(.get, "/api-keys/\(minted["id"])")
            #expect(shown["owner_email"] == "shop@example.com" && shown["reseller"] == reseller["id"])

            let clerks = await office.call(.post, "/api-keys", #"{"owner_email":"clerk@example.com","mode":"test"}"#)
            #expect(clerks["role"] == "operator" && clerks["mode"] == "test")
            let all = try #require(office.caller(clerks["key"])).projection.scopes
            #expect(all == Scopes.of(dialects: ["wholesale_orders", "credit_reports"]))
        }
    }

    @Test(
        "O1 a key is refused with the field that is wrong",
        arguments: [
            (#"{"owner_email":"nobody@example.com"}"#, ["/owner_email"]),
            (#"{"scopes":[]}"#, ["/owner_email", "/scopes"]),
            (#"{"owner_email":"clerk@example.com","scopes":["codes"]}"#, ["/scopes"]),
            (#"{"owner_email":"clerk@example.com","role":"reseller"}"#, ["/role"]),
            (#"{"owner_email":"clerk@example.com","role":"owner"}"#, ["/role"]),
            (
                #"{"owner_email":"clerk@example.com","mode":"x","expires_at":"2020-01-01T00:00:00Z"}"#,
                ["/mode", "/expires_at"]
            ),
            (
                #"{"owner_email":"clerk@example.com","limit":{"requests":0}}"#,
                ["/limit/requests", "/limit/window_seconds"]
            ),
        ])
    func refusals(body: String, pointers: [String]) async throws {
        try await Office.open { office in
            let answer = await office.call(.post, "/api-keys", body)
            #expect(answer.status == 422)
            #expect(answer.pointers == pointers)
        }
    }

    @Test("O1 only the owner mints, and only the owner touches the owner's keys")
    func ownerOnly() async throws {
        try await Office.open { office in
            let minting = await office.call(
                .post, "/api-keys", #"{"owner_email":"clerk@example.com"}"#, as: office.clerk)
            #expect(minting.status == 403)
            let id = office.owner.projection.publicID
            for (method, path, body) in [
                (HTTPCore.Method.delete, "/api-keys/\(id)", ""), (.post, "/api-keys/\(id)/rotate", ""),
                (.put, "/api-keys/\(id)/limit", #"{"requests":1,"window_seconds":1}"#),
                (.delete, "/api-keys/\(id)/limit", ""),
            ] {
                #expect(await office.call(method, path, body, as: office.clerk).status == 403)
            }
            #expect(await office.call(.post, "/api-keys/\(id)/rotate").status == 200)
        }
    }

    @Test("O1 an operator gets no secret of somebody else's key: rotating shows one, so it is the owner's")
    func operatorRotates() async throws {
        try await Office.open { office in
            await office.reseller("a@b.c")
            let id = await office.call(.post, "/api-keys", #"{"owner_email":"a@b.c"}"#)["id"]
            let refused = await office.call(.post, "/api-keys/\(id)/rotate", as: office.clerk)
            #expect(refused.status == 403)
            #expect(refused["key"] == "absent")
            #expect(await office.call(.delete, "/api-keys/\(id)", as: office.clerk).status == 200)
        }
    }

    @Test("O1 a terminated reseller gets no keys")
    func terminated() async throws {
        try await Office.open { office in
            let id = await office.call(.post, "/resellers", #"{"email":"a@b.c","name":"A"}"#)["id"]
            await office.call(.post, "/resellers/\(id)/terminate")
            #expect(await office.call(.post, "/api-keys", #"{"owner_email":"a@b.c"}"#).status == 409)
        }
    }

    @Test("O1 a rotated or revoked key is dead when the answer is there")
    func rotation() async throws {
        try await Office.open { office in
            let minted = await office.call(.post, "/api-keys", #"{"owner_email":"clerk@example.com"}"#)
            let id = minted["id"]
            let rotated = await office.call(.post, "/api-keys/\(id)/rotate", #"{"overlap_seconds":60}"#)
            #expect(rotated["id"] == id)
            #expect(office.caller(minted["key"]) != nil && office.caller(rotated["key"]) != nil)
            office.clock.advance(seconds: 60)
            #expect(office.caller(minted["key"]) == nil)
            #expect(await office.call(.delete, "/api-keys/\(id)").status == 200)
            #expect(office.caller(rotated["key"]) == nil)
            #expect(await office.call(.post, "/api-keys/\(id)/rotate").status == 409)
            #expect(await office.call(.get, "/api-keys/\(id)")["revoked_at"] != "null")
        }
    }

    /// What a key may have come to.
    enum Ended: String, CaseIterable, Sendable {
        case revoked, expired, terminated, disabled

        var code: String {
            switch self {
            case .revoked: "key_revoked"
            case .expired: "key_expired"
            case .terminated: "reseller_terminated"
            case .disabled: "person_disabled"
            }
        }
    }

    @Test("O1 a key that opens nothing gets no new secret and is listed as ended", arguments: Ended.allCases)
    func ended(how: Ended) async throws {
        try await Office.open { office in
            let reseller = await office.reseller("a@b.c")
            let hash = try office.services.scrypt.hash("correct horse", random: office.fleet.random)
            try await office.onLane { tenant in
                guard let account = try tenant.account(email: "a@b.c") else { throw Office.Missing.key }
                try tenant.setPasswordHash(hash, account: account.id)
            }
            let email = how == .disabled ? Office.clerkEmail : "a@b.c"
            let end = how == .expired ? #","expires_at":"2026-03-22T11:00:00Z""# : ""
            let minted = await office.call(.post, "/api-keys", #"{"owner_email":"\#(email)"\#(end)}"#)
            let id = minted["id"]
            func listed(_ state: String) async -> Bool {
                await office.call(.get, "/api-keys?limit=100&state=\(state)").data.contains { $0["id"]?.string == id }
            }
            #expect(await listed("active"))
            #expect(await office.call(.get, "/api-keys/\(id)")["state"] == "active")
            switch how {
            case .revoked: await office.call(.delete, "/api-keys/\(id)")
            case .expired: office.clock.advance(seconds: 1_800)
            case .terminated: await office.call(.post, "/resellers/\(reseller)/terminate")
            case .disabled:
                let people = await office.call(.get, "/people?email=\(Office.clerkEmail)")
                let person = try #require(people.data.first?["id"]?.string)
                await office.call(.patch, "/people/\(person)", #"{"state":"disabled"}"#)
            }
            #expect(office.caller(minted["key"]) == nil || how == .terminated)
            let rotated = await office.call(.post, "/api-keys/\(id)/rotate")
            #expect(rotated.status == 409 && rotated["code"] == how.code && rotated["key"] == "absent")
            let (isEnded, isActive) = (await listed("ended"), await listed("active"))
            #expect(isEnded && !isActive)
            #expect(await office.call(.get, "/api-keys/\(id)")["state"] == how.rawValue)
            let limit = await office.call(.put, "/api-keys/\(id)/limit", #"{"requests":1,"window_seconds":1}"#)
            #expect(limit.status == 409 && limit["code"] == how.code)
            guard how == .revoked || how == .expired else { return }
            let session = await office.call(
                .post, "/session", #"{"email":"a@b.c","password":"correct horse"}"#, on: WholesaleOrders())
            let person = try #require(office.caller(session["token"]))
            let own = await office.call(.post, "/keys/\(id)/rotate", as: person, on: WholesaleOrders())
            #expect(own.status == 409 && own["code"] == how.code && own["key"] == "absent")
        }
    }

    @Test("O2 a limit is on the key and in memory from the answer on, and can be taken away")
    func limits() async throws {
        try await Office.open { office in
            let id = office.clerk.projection.publicID
            let set = await office.call(
                .put, "/api-keys/\(id)/limit", #"{"requests":10,"window_seconds":60,"burst":3}"#)
            #expect(set.status == 200 && set["id"] == id)
            #expect(office.clerk.key.projection.limit == Policy(requests: 10, windowSeconds: 60, burst: 3))
            #expect(await office.call(.delete, "/api-keys/\(id)/limit")["limit"] == "null")
            #expect(office.clerk.key.projection.limit == nil)
            let wrong = await office.call(.put, "/api-keys/\(id)/limit", #"{"requests":0,"burst":"x"}"#)
            #expect(wrong.pointers == ["/requests", "/window_seconds", "/burst"])
            #expect(
                await office.call(.put, "/api-keys/key_none/limit", #"{"requests":1,"window_seconds":1}"#).status == 404
            )
        }
    }

    @Test("W11 signing in and out works with a password and not with a key")
    func sessions() async throws {
        try await Office.open { office in
            let hash = try office.services.scrypt.hash("correct horse", random: office.fleet.random)
            try await office.onLane { tenant in
                guard let account = try tenant.account(email: Office.clerkEmail) else { throw Office.Missing.key }
                try tenant.setPasswordHash(hash, account: account.id)
            }
            let wrong = await office.call(.post, "/session", #"{"email":"clerk@example.com","password":"wrong"}"#)
            #expect(wrong.status == 401 && wrong.refusal?.code == "wrong_password")
            let session = await office.call(
                .post, "/session", #"{"email":"clerk@example.com","password":"correct horse"}"#)
            let caller = try #require(office.caller(session["token"]))
            #expect(caller.role == .operatorSession)
            #expect(await office.call(.delete, "/session").status == 403)
            #expect(await office.call(.delete, "/session", as: caller).status == 204)
            #expect(office.caller(session["token"]) == nil)
        }
    }
}

import CallKit
import Cryptography
import HTTPCore
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@testable import TenantApp

extension Office {
    /// A new reseller's public id, brought to a state.
    @discardableResult
    func reseller(_ email: String = "shop@example.com", state: ResellerState = .active) async -> String {
        let id = await call(.post, "/resellers", #"{"email":"\#(email)","name":"Shop"}"#)["id"]
        let moves: [String] =
            switch state {
            case .pending: []
            case .active: ["approve"]
            case .suspended: ["approve", "suspend"]
            case .terminated: ["terminate"]
            }
        for move in moves { await call(.post, "/resellers/\(id)/\(move)") }
        return id
    }
}

@Suite struct Resellers {
    @Test("O3 each move from each state: allowed ones lead where the lifecycle says, all others are a conflict")
    func lifecycle() async throws {
        try await Office.open { office in
            func next(_ state: ResellerState, _ move: ResellerState.Move) -> ResellerState? {
                switch (state, move) {
                case (.pending, .approve), (.suspended, .resume): .active
                case (.active, .suspend): .suspended
                case (.pending, .terminate), (.active, .terminate), (.suspended, .terminate): .terminated
                default: nil
                }
            }
            for state in ResellerState.allCases {
                for move in ResellerState.Move.allCases {
                    let id = await office.reseller("\(state)-\(move)@example.com", state: state)
                    let answer = await office.call(.post, "/resellers/\(id)/\(move.rawValue)")
                    if let next = next(state, move) {
                        #expect(answer.status == 200 && answer["status"] == next.name, "\(state) \(move)")
                    } else {
                        #expect(
                            answer.status == 409 && answer.refusal?.code == "reseller_\(state.name)", "\(state) \(move)"
                        )
                    }
                    let now = await office.call(.get, "/resellers/\(id)")["status"]
                    #expect(now == (next(state, move) ?? state).name)
                }
            }
        }
    }

    @Test("O3 an invitation sets one password once; the secret and the link are shown once")
    func invitation() async throws {
        try await Office.open { office in
            let request = #"{"email":"new@example.com","name":"New","company":"N"}"#
            let made = await office.call(.post, "/resellers", request, id: "invite")
            #expect(made.status == 201 && made["status"] == "pending")
            #expect(WebhookSecret.decode(made["webhook_secret"]) != nil)
            let replay = await office.call(.post, "/resellers", request, id: "invite")
            #expect(replay.isReplay && replay["already_shown"] == "true")
            #expect(!replay.text.contains("whsec_") && !replay.text.contains("/invite/"))
            let link = made["invitation_url"]
            let start = "https://acme.example/invite/"
            #expect(link.hasPrefix(start))
            let hash = SHA256.hash(String(link.dropFirst(start.count)))
            let accept = AcceptLink(.invitation, tokenHash: hash, passwordHash: "scrypt")
            let email = try await office.onLane { tenant in
                var detail = AuditDetail()
                return try accept.run(tenant, &detail).email
            }
            #expect(email == "new@example.com")
            await #expect(throws: Refusal.notFound(.invitation)) {
                try await office.onLane { tenant in
                    var detail = AuditDetail()
                    _ = try accept.run(tenant, &detail)
                }
            }
            let second = await office.call(.post, "/resellers", #"{"email":"NEW@example.com","name":"N"}"#)
            #expect(second.refusal?.code == "email_taken")
            let withPassword = await office.call(
                .post, "/resellers", #"{"email":"p@example.com","name":"P","password":"long enough"}"#)
            #expect(withPassword["invitation_url"] == "absent")
        }
    }

    @Test("O3 approval says when and by whom")
    func approval() async throws {
        try await Office.open { office in
            let id = await office.reseller(state: .pending)
            let approved = await office.call(.post, "/resellers/\(id)/approve", as: office.clerk)
            #expect(approved["approved_at"] == office.clock.now().text)
            #expect(approved["approved_by"] == Office.clerkEmail)
        }
    }

    @Test("O3 terms change where they are named, and hold in memory at once")
    func terms() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            let changed = await office.call(
                .patch, "/resellers/\(id)",
                """
                {"default_discount_rate":"12.5","credit_limit":"100.00","low_balance_threshold":25,"api_access":false,
                 "rate_limit":{"requests":5,"window_seconds":10}}
                """)
            #expect(changed["default_discount_rate"] == "12.5" && changed["credit_limit"] == "100.00")
            #expect(changed["low_balance_threshold"] == "25.00" && changed["api_access"] == "false")
            let record = office.fleet.roster.resellers(of: office.tenant.id).first { $0.projection.publicID == id }
            #expect(record?.projection.apiAccess == false && record?.projection.limit.burst == 5)
            let cleared = await office.call(.patch, "/resellers/\(id)", #"{"low_balance_threshold":null}"#)
            #expect(cleared["low_balance_threshold"] == "null" && cleared["credit_limit"] == "100.00")
        }
    }

    @Test(
        "O3 terms are refused with each field that is wrong",
        arguments: [
            ("{}", [""]), (#"{"credit_limit":null}"#, ["/credit_limit"]),
            (#"{"credit_limit":"-1","default_discount_rate":101}"#, ["/default_discount_rate", "/credit_limit"]),
            (#"{"credit_limit":"1.001"}"#, ["/credit_limit"]), (#"{"api_access":"yes"}"#, ["/api_access"]),
            (#"{"rate_limit":{}}"#, ["/rate_limit/requests", "/rate_limit/window_seconds"]),
        ])
    func wrongTerms(body: String, pointers: [String]) async throws {
        try await Office.open { office in
            let id = await office.reseller()
            #expect(await office.call(.patch, "/resellers/\(id)", body).pointers == pointers)
        }
    }

    @Test("O3 a changed discount makes the price list kept ready stale")
    func staleAnswers() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            let number = try await office.onLane { tenant in try tenant.knownReseller(id).id }
            let key = AnswerCache.Key(resellerID: number, book: .live, kind: CacheKind())
            office.tenant.answers.fill(key, with: [1])
            await office.call(.patch, "/resellers/\(id)", #"{"credit_limit":5}"#)
            #expect(office.tenant.answers[key] != nil)
            await office.call(.patch, "/resellers/\(id)", #"{"default_discount_rate":5}"#)
            #expect(office.tenant.answers[key] == nil)
        }
    }

    @Test("O3 a new signing secret verifies at once, the one before for a day")
    func secrets() async throws {
        try await Office.open { office in
            let made = await office.call(.post, "/resellers", #"{"email":"a@b.c","name":"A"}"#)
            let rotated = await office.call(.post, "/resellers/\(made["id"])/webhook-secret/rotate")
            let both = [rotated["webhook_secret"], made["webhook_secret"]].map { WebhookSecret.decode($0) ?? [] }
            let id = made["id"]
            func valid() async throws -> [[UInt8]] {
                try await office.onLane { tenant in
                    try tenant.webhookSecrets(resellerID: try tenant.knownReseller(id).id)
                }
            }
            let before = try await valid()
            #expect(before == both)
            office.clock.advance(seconds: 24 * 3600)
            let after = try await valid()
            #expect(after == [both[0]])
        }
    }

    @Test("O5 a balance moves by whole minor units, and a correction stops at the credit limit")
    func balances() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            await office.call(.patch, "/resellers/\(id)", #"{"credit_limit":"10.00"}"#)
            let path = "/resellers/\(id)/balance"
            let up = await office.call(.post, path, #"{"amount":"50.00","reference":"wire 1"}"#)
            #expect(up.status == 200 && up["balance"] == "50.00" && up["available"] == "60.00")
            #expect(up["kind"] == "top_up" && up["currency"] == "EUR")
            let down = await office.call(.post, path, #"{"amount":-60,"reference":"typo"}"#)
            #expect(down["balance"] == "-10.00" && down["kind"] == "correction")
            let past = await office.call(.post, path, #"{"amount":"-0.01","reference":"x"}"#)
            #expect(past.status == 422 && past.refusal?.code == "below_credit_limit" && past.pointers == ["/amount"])
            for (body, pointers) in [
                (#"{"amount":0,"reference":"x"}"#, ["/amount"]), (#"{"amount":"0.001"}"#, ["/amount", "/reference"]),
                (#"{"amount":"1e12","reference":"x"}"#, ["/amount"]),
            ] {
                #expect(await office.call(.post, path, body).pointers == pointers)
            }
            let first = await office.call(.get, "/resellers/\(id)/statement?limit=1")
            #expect(first.data.first?["balance_after"]?.string == "-10.00")
            let rest = await office.call(.get, "/resellers/\(id)/statement?limit=1&cursor=\(first["next_cursor"])")
            #expect(rest.data.first?["reference"]?.string == "wire 1" && rest["has_more"] == "false")
            #expect(await office.call(.get, "/resellers/\(id)/statement?mode=test").data.isEmpty)
            let sums = try await office.onLane { tenant in
                try tenant.connection.row("SELECT sum(amount), count(*) FROM entry") { try [$0.int(), $0.int()] }
            }
            #expect(sums == [0, 4])
        }
    }
}

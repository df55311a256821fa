import CallKit
import Dispatch
import HTTPCore
import RateLimiter
import Synchronization
import TenantRegistry
import TestGateway
import TestTenants
import Testing

/// Calls of several steps, with the tenant suspended between two of them (G3, P3).
@Suite struct StepsTests {
    /// A call of several steps, and after how many of them the suspension comes.
    enum Flow: String, CaseIterable, Sendable {
        case signIn, minting, rotation, importing, toppingUp, reconcilingBeforePages, reconcilingBeforeResult

        var blueprint: String {
            switch self {
            case .signIn, .minting, .rotation, .importing: "hosting"
            case .toppingUp: "codes"
            case .reconcilingBeforePages, .reconcilingBeforeResult: "panel"
            }
        }

        /// Steps in the tenant's lane that come before the suspension.
        var stepsBefore: Int {
            switch self {
            case .minting: 0
            case .signIn, .rotation, .importing, .toppingUp, .reconcilingBeforePages: 1
            case .reconcilingBeforeResult: 2
            }
        }

        func request(_ tenant: TestTenant, key: String) -> TestRequest {
            let admin = tenant.path("/api/admin")
            switch self {
            case .signIn:
                return TestRequest(
                    "POST", tenant.path("/api/partner/v1/session"),
                    #"{"email":"\#(tenant.reseller.email)","password":"\#(tenant.reseller.password)"}"#)
            case .minting:
                return TestRequest("POST", admin + "/api-keys", #"{"owner_email":"\#(tenant.reseller.email)"}"#)
                    .bearer(tenant.ownerKey)
            case .rotation: return TestRequest("POST", admin + "/api-keys/\(key)/rotate").bearer(tenant.ownerKey)
            case .importing:
                return TestRequest(
                    "POST", admin + "/price-book.csv",
                    "reseller,sku,wholesale_monthly\r\n\(tenant.reseller.id),vps-1,1.00\r\n"
                ).bearer(tenant.ownerKey)
            case .toppingUp:
                return TestRequest("POST", tenant.path("/api/reseller/topup"), #"{"amount":10}"#)
                    .with("x-api-key", tenant.key)
            case .reconcilingBeforePages, .reconcilingBeforeResult:
                return TestRequest(
                    "POST", admin + "/reconciliations?reseller=\(tenant.reseller.id)",
                    "external_ref,kind,amount,at\r\ntxn_1,topup,5.00,2026-03-01T00:00:00Z\r\n"
                ).bearer(tenant.ownerKey).with("Content-Type", "text/csv")
            }
        }

        /// What the call would have changed.
        func effects(_ tenant: TestTenant) async throws -> [Int64] {
            try await [
                tenant.count("SELECT count(*) FROM api_key"), tenant.count("SELECT sum(epoch) FROM api_key"),
                tenant.count("SELECT count(*) FROM reconciliation"),
                tenant.count("SELECT count(*) FROM account_review"),
                tenant.count("SELECT coalesce(sum(wholesale_monthly), 0) FROM price"),
                tenant.count("SELECT count(*) FROM posting"),
                tenant.count("SELECT count(*) FROM payment WHERE payment_url IS NOT NULL"),
            ]
        }
    }

    /// Suspends while a step waits behind the turnstile, lets it go, and returns when the suspension has been answered.
    private func suspend(_ tenant: TestTenant, behind turnstile: Turnstile) async throws {
        async let suspension = tenant.asProvider("POST", "/suspend")
        try await until { tenant.record.profile.state == .suspended }
        turnstile.open()
        let answer = try await suspension
        #expect(answer.status == 200)
    }

    @Test(
        "P3 a call of several steps goes no further once its tenant is suspended", arguments: Door.allCases,
        Flow.allCases)
    func suspended(door: Door, flow: Flow) async throws {
        try await withGateway(door) { gateway in
            let tenant = try await gateway.tenant(flow.blueprint)
            let key = try await tenant.mint(tenant.reseller.email)
            let before = try await flow.effects(tenant)
            let turnstile = try await Turnstile(in: tenant.record)
            defer { turnstile.open() }
            let request = flow.request(tenant, key: key.id)
            async let call = gateway.send(request)
            for _ in 0..<flow.stepsBefore { try await turnstile.passStep() }
            try await turnstile.waitForStep()
            try await suspend(tenant, behind: turnstile)
            let answer = try await call
            #expect(answer.status == 403 && answer.text.contains("suspended"), "\(answer.text)")
            #expect(try await flow.effects(tenant) == before)
            // The same call has its effect where nobody is in between: what was refused is not what is broken.
            try await tenant.asProvider("POST", "/resume")
            let again = try await gateway.send(request)
            #expect([200, 201].contains(again.status), "\(again.text)")
            #expect(try await flow.effects(tenant) != before)
        }
    }

    /// A payment service that answers when the test says so.
    private final class SlowService: OutboundCalls {
        let allowsPrivateAddresses = false
        private let asked = Handover<@Sendable (Result<OutboundResponse, OutboundFailure>) -> Void>()

        func post(
            _ request: OutboundRequest, by payer: Payer,
            then: @escaping @Sendable (Result<OutboundResponse, OutboundFailure>) -> Void
        ) -> Bool {
            asked.resume(returning: then)
            return true
        }

        /// Waits until somebody asks; what is returned answers.
        func question() async throws -> @Sendable (Result<OutboundResponse, OutboundFailure>) -> Void {
            try await asked.value()
        }
    }

    @Test("A6 G3 a top-up whose key is revoked while the payment service is asked is not finished")
    func revoked() async throws {
        let service = SlowService()
        try await withGateway(.inProcess, TestGateway.Setup(outbound: service)) { gateway in
            let codes = try await gateway.tenant("codes")
            let configured = try await codes.asOwner(
                "PUT", "/payment-service",
                """
                {"driver":"http","create_url":"https://pay.example/v1","api_key":"a-key-of-ours",
                 "webhook_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                 "callback_url":"https://shop.example/callback","return_url":"https://shop.example/"}
                """)
            #expect(configured.status == 200, "\(configured.text)")
            let before = try await Flow.toppingUp.effects(codes)
            async let call = gateway.send(Flow.toppingUp.request(codes, key: ""))
            let answer = try await service.question()
            let regenerated = try await gateway.send(
                TestRequest("POST", codes.path("/api/reseller/regenerate-key")).with("x-api-key", codes.key))
            #expect(regenerated.status == 200, "\(regenerated.text)")
            let body = #"{"id":"p-1","payment_url":"https://pay.example/p-1"}"#
            answer(.success(OutboundResponse(status: 200, body: Array(body.utf8))))
            #expect(try await call.status == 401)
            // Both are there: the payment that was begun, pending, and nothing that came after.
            #expect(try await codes.count("SELECT count(*) FROM payment WHERE state = 'pending'") == 1)
            #expect(try await Flow.toppingUp.effects(codes).last == before.last)
        }
    }

    @Test(
        "P3 a suspension is answered when every batch that was judged before it has committed", arguments: Door.allCases
    )
    func settled(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let record = hosting.record
            let happened = Mutex<[String]>([])
            let isJudged = Handover<Void>()
            let gate = DispatchSemaphore(value: 0)
            let write = TenantWrite(record, of: gateway.fleet, warrant: Warrant { try record.judge(at: $0.now) }) {
                [clock = gateway.clock] status, bytesOut in
                AuditRecord(at: clock.now(), action: "POST /test", status: status, requestID: .none, bytesOut: bytesOut)
            }
            write.submit { tenant, _ in
                isJudged.resume(returning: ())
                gate.wait()
                try tenant.set("effect", to: "there")
                return .noContent
            } then: { outcome in
                if case .answered = outcome { happened.withLock { $0.append("effect") } }
            }
            try await isJudged.value()
            @Sendable func suspend() async throws -> Int {
                let answer = try await hosting.asProvider("POST", "/suspend")
                happened.withLock { $0.append("suspended") }
                return answer.status
            }
            async let suspension = suspend()
            try await until { record.profile.state == .suspended }
            // Whoever comes now is refused, and the suspension is not answered while the batch goes on.
            for _ in 0..<50 {
                #expect(try await gateway.send(hosting.partner("GET", "/balance")).code == "tenant_suspended")
            }
            #expect(happened.withLock { $0 }.isEmpty)
            gate.signal()
            #expect(try await suspension == 200)
            #expect(happened.withLock { $0 } == ["effect", "suspended"])
            #expect(try await hosting.count("SELECT count(*) FROM setting WHERE name = 'effect'") == 1)
        }
    }
}

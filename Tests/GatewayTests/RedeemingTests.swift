import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@Suite struct RedeemingTests {
    @Test(
        "A8 D2 an end customer whose address a file of before keeps as it was sent is found, and is one person still",
        arguments: Door.allCases)
    func oldSpelling(door: Door) async throws {
        try await withGateway(door) { gateway in
            let codes = try await gateway.tenant("codes")
            let services = gateway.services
            let hash = try Password.hash("a long password", by: services.scrypt, random: services.random)
            // As before addresses had one spelling: in lower case, and no more.
            let old = "Käthe@BÜCHER.example".lowercased()
            try await handedOver { done in
                codes.record.onLane(
                    writes: true,
                    { _ = try $0.transaction.insertSubscriber(email: old, passwordHash: hash, book: .live) },
                    then: { done.resume(with: $0) })
            }
            let made = try await gateway.send(
                TestRequest("POST", codes.path("/api/reseller/generate"), #"{"planId":"1month","count":2}"#)
                    .with("x-api-key", codes.key))
            let (first, second) = (try #require(made["codes", "0", "code"]), try #require(made["codes", "1", "code"]))
            func redeem(_ code: String, _ email: String, _ password: String) async throws -> TestResponse {
                try await gateway.send(
                    TestRequest(
                        "POST", codes.path("/activate/\(code)"), #"{"email":"\#(email)","password":"\#(password)"}"#
                    ).with("Accept", "application/json"))
            }
            let wrong = try await redeem(first, "Käthe@BÜCHER.example", "another password")
            #expect(wrong.status == 401, "\(wrong.text)")
            let right = try await redeem(first, "KÄTHE@bücher.example", "a long password")
            #expect(right.status == 200, "\(right.text)")
            #expect(try await codes.count("SELECT count(*) FROM subscriber WHERE email LIKE 'k%'") == 1)
            // What never was an address makes no account.
            let none = try await redeem(second, "not an address", "a long password")
            #expect(none.status == 400 || none.status == 422, "\(none.text)")
            let quoted = try await redeem(second, #"\"a b\"@c.example"#, "a long password")
            #expect(quoted.status == 400 || quoted.status == 422, "\(quoted.text)")
            let odd = try await redeem(second, "a..b@c.example", "a long password")
            #expect(odd.status == 422 || odd.status == 400, "\(odd.text)")
            let new = try await redeem(second, "new@c.example", "a long password")
            #expect(new.status == 200, "\(new.text)")
        }
    }
}

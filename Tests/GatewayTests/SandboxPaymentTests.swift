import TestGateway
import Testing

@Suite struct SandboxPaymentTests {
    @Test(
        "A6 once live keys are off the sandbox its buttons credit no live payment, and its page says so",
        arguments: Door.allCases, [nil, "http"] as [String?])
    func ended(door: Door, driver: String?) async throws {
        try await withGateway(door) { gateway in
            let codes = try await gateway.tenant("codes")
            func begin() async throws -> String {
                let begun = try await gateway.send(
                    TestRequest("POST", codes.path("/api/reseller/topup"), #"{"amount":50}"#)
                        .with("x-api-key", codes.key))
                return try #require(begun["orderId"], "\(begun.text)")
            }
            func press(_ orderID: String) async throws -> TestResponse {
                try await gateway.send(
                    TestRequest("POST", codes.path("/sandbox-pay/\(orderID)"), "action=pay")
                        .with("Content-Type", "application/x-www-form-urlencoded"))
            }
            func status(_ orderID: String) async throws -> String? {
                try await gateway.send(
                    TestRequest("GET", codes.path("/api/reseller/topup/status/\(orderID)")))["status"]
            }
            let (first, second) = (try await begin(), try await begin())
            if driver == nil {
                #expect(try await codes.asOwner("DELETE", "/payment-service").status == 204)
            } else {
                let put = try await codes.asOwner(
                    "PUT", "/payment-service",
                    """
                    {"driver":"http","create_url":"https://pay.example/v1","api_key":"the-key-of-the-service",
                    "webhook_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
                    """)
                #expect(put.status == 200, "\(put.text)")
            }
            for orderID in [first, second] {
                let closed = try await press(orderID)
                #expect(closed.status == 200 && closed.text.contains("<h1>Closed</h1>"), "\(closed.text)")
                #expect(try await status(orderID) == "pending")
            }
            try await codes.asOwner("PUT", "/payment-service", #"{"driver":"sandbox"}"#)
            let paid = try await press(first)
            #expect(paid.text.contains("<h1>Paid</h1>"), "\(paid.text)")
            #expect(try await status(first) == "confirmed")
        }
    }

    @Test(
        "A6 G6 a button of a payment that is decided is pressed without a row in the audit log",
        arguments: Door.allCases)
    func decided(door: Door) async throws {
        try await withGateway(door) { gateway in
            let codes = try await gateway.tenant("codes")
            let begun = try await gateway.send(
                TestRequest("POST", codes.path("/api/reseller/topup"), #"{"amount":50}"#).with("x-api-key", codes.key))
            let orderID = try #require(begun["orderId"], "\(begun.text)")
            func press(_ action: String) async throws -> TestResponse {
                try await gateway.send(
                    TestRequest("POST", codes.path("/sandbox-pay/\(orderID)"), "action=\(action)")
                        .with("Content-Type", "application/x-www-form-urlencoded"))
            }
            let paid = try await press("pay")
            #expect(paid.text.contains("<h1>Paid</h1>") && paid.field("Audit-Head") != nil, "\(paid.text)")
            for action in ["pay", "cancel", "pay"] {
                let again = try await press(action)
                #expect(again.status == 200 && again.text.contains("<h1>Paid</h1>"), "\(again.text)")
                #expect(again.field("Audit-Head") == nil)
            }
        }
    }
}

import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry
import Testing

@Suite struct PaymentCallbacks {
    /// H2's vector: what Standard Webhooks' own libraries make of it.
    private static let body = Array(#"{"test": 2432232314}"#.utf8)
    private static let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private static let at = 1_614_265_330
    private static let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    private static func secret() throws -> [UInt8] {
        try #require(WebhookSecret.decode("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    }

    private static func callback(_ fields: [(String, String)], body: [UInt8] = body) -> PaymentCallback {
        var bytes = Array("POST /topup/webhook HTTP/1.1\r\n".utf8)
        var places: [RequestHead.Field] = []
        for (name, value) in fields {
            let start = bytes.count
            bytes += Array("\(name): \(value)\r\n".utf8)
            let colon = start + name.utf8.count
            places.append(RequestHead.Field(name: start..<colon, value: colon + 2..<bytes.count - 2))
        }
        let head = RequestHead(method: .post, bytes: bytes, target: 5..<19, path: 5..<19, query: nil, fields: places)
        return PaymentCallback(head: head, body: body)
    }

    private static func headers(
        id: String = id, at: String = "\(at)", signature: String = signature
    ) -> [(String, String)] {
        [("Webhook-Id", id), ("webhook-timestamp", at), ("WEBHOOK-SIGNATURE", signature)]
    }

    private static func isGenuine(_ callback: PaymentCallback, secondsLater: Int = 0) throws -> Bool {
        let now = Timestamp(milliseconds: Int64(at + secondsLater) * 1_000)
        let secrets = [[UInt8](repeating: 1, count: 32), try secret()]
        do throws(Refusal) {
            try callback.verify(secrets: secrets, now: now)
            return true
        } catch {
            guard case .badSignature = error else { throw error }
            return false
        }
    }

    @Test("H2 the vector of Standard Webhooks is genuine, beside other signatures and under any of the secrets")
    func vector() throws {
        #expect(try Self.isGenuine(Self.callback(Self.headers())))
        #expect(try Self.isGenuine(Self.callback(Self.headers(signature: "v1,AAAA v2,x \(Self.signature)"))))
        #expect(throws: Refusal.self) {
            try Self.callback(Self.headers()).verify(secrets: [], now: Timestamp(milliseconds: Int64(Self.at) * 1_000))
        }
    }

    @Test(
        "A6 the clock may be 300 s off, no more",
        arguments: [(0, true), (300, true), (-300, true), (301, false), (-301, false)])
    func skew(seconds: Int, expected: Bool) throws {
        #expect(try Self.isGenuine(Self.callback(Self.headers()), secondsLater: seconds) == expected)
    }

    @Test("A6 whatever is changed, missing or misshapen, the callback is not genuine")
    func forged() throws {
        let changed = [
            Self.headers(id: "msg_other"), Self.headers(id: ""), Self.headers(id: String(repeating: "x", count: 256)),
            Self.headers(at: "\(Self.at + 1)"), Self.headers(at: ""), Self.headers(at: "-1"),
            Self.headers(at: "+1614265330"),
            Self.headers(at: "1614265330.0"), Self.headers(at: "99999999999999999999"),
            Self.headers(at: "9223372036854775807"), Self.headers(signature: ""), Self.headers(signature: "v1,"),
            Self.headers(signature: String(Self.signature.dropFirst(3))),
            Self.headers(signature: Self.signature.replacing("v1,", with: "v1a,")),
            Self.headers(signature: String(repeating: "v1,AAAA ", count: 8) + Self.signature),
        ]
        for headers in changed { #expect(try !Self.isGenuine(Self.callback(headers)), "\(headers)") }
        for left in 0..<3 {
            var headers = Self.headers()
            headers.remove(at: left)
            #expect(try !Self.isGenuine(Self.callback(headers)))
        }
        #expect(try !Self.isGenuine(Self.callback(Self.headers(), body: Self.body + [0x20])))
    }
}

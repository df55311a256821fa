import CallKit
import Cryptography
import HTTPCore
import TestGateway
import Testing

/// The signature of an order, over everything that it says (W5).
@Suite struct SignatureTests {
    @Test("W5 a signature holds 300 s either way, and not a second longer", arguments: Door.allCases)
    func skew(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let now = gateway.clock.now()
            for (number, skew) in [-301, -300, 0, 300, 301].enumerated() {
                let order = hosting.unsignedOrder().bearer(hosting.key).idempotent("skew-\(number)")
                    .signed(with: hosting.reseller.webhookSecret, at: now.adding(seconds: Int64(skew)))
                let answer = try await gateway.send(order)
                #expect(answer.status == (abs(skew) <= 300 ? 201 : 401), "\(skew)")
                if answer.status == 401 { #expect(answer.code == "bad_signature") }
            }
            #expect(try await hosting.books().orders == 3)
        }
    }

    @Test("W5 a signature over anything else, or none, is refused and buys nothing", arguments: Door.allCases)
    func wrong(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let now = gateway.clock.now()
            let secret = hosting.reseller.webhookSecret
            let before = try await hosting.books()
            let plain = hosting.unsignedOrder().bearer(hosting.key).idempotent("k")
            let good = plain.signed(with: secret, at: now)
            var requests: [(String, TestRequest)] = [
                ("none", plain),
                ("another reseller's secret", plain.signed(with: hosting.resellers[2].webhookSecret, at: now)),
                ("time is no number", plain.signed(with: secret, timestamp: "now")),
                ("time with a sign", plain.signed(with: secret, timestamp: "+\(now.seconds)")),
                ("another body", good.carrying(Array(hosting.unsignedOrder(quantity: 2).body ?? []))),
                ("a body that cannot be read", plain.carrying(Array("{".utf8))),
                ("fields that are wrong", good.carrying(Array("{}".utf8))),
            ]
            var other = good
            other.target += "?"
            requests.append(("another target", other))
            other = good
            other.fields = other.fields.map { $0.name == "Idempotency-Key" ? ($0.name, "k2") : $0 }
            requests.append(("another key", other))
            other = good
            other.fields = other.fields.map {
                $0.name == "X-Tollgate-Signature" ? ($0.name, String($0.value.dropFirst(3))) : $0
            }
            requests.append(("no version", other))
            for (name, request) in requests {
                let answer = try await gateway.send(request)
                #expect(answer.status == 401 && answer.code == "bad_signature", "\(name)")
            }
            #expect(try await hosting.books() == before)
            #expect(try await gateway.send(good).status == 201)
        }
    }

    @Test("W12 W5 the signature vector of the page for developers")
    func vector() throws {
        let key = try #require(WebhookSecret.decode(SignatureVector.secret))
        let head = SignedText.head(
            timestamp: SignatureVector.timestamp, method: SignatureVector.method, target: SignatureVector.path,
            idempotencyKey: SignatureVector.idempotencyKey)
        #expect(
            SignedText.signature(key: key, head: head, body: Array(SignatureVector.body.utf8))
                == SignatureVector.signature)
    }

    @Test("O3 after a rotation both secrets sign for a day, then the new one alone", arguments: Door.allCases)
    func rotation(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let rotated = try await hosting.asOwner(
                "POST", "/resellers/\(hosting.reseller.id)/webhook-secret/rotate")
            let new = try #require(rotated["webhook_secret"])
            func status(_ secret: String) async throws -> Int {
                try await gateway.send(
                    hosting.unsignedOrder().bearer(hosting.key).idempotent("k-\(gateway.next())")
                        .signed(with: secret, at: gateway.clock.now())
                ).status
            }
            let old = hosting.reseller.webhookSecret
            #expect(try await status(old) == 201)
            #expect(try await status(new) == 201)
            gateway.clock.advance(seconds: 24 * 3600)
            #expect(try await status(old) == 401)
            #expect(try await status(new) == 201)
        }
    }
}

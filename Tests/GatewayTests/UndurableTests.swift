import CallKit
import Foundation
import HTTPCore
import RateLimiter
import Synchronization
import TenantApp
import TestGateway
import TestTenants
import Testing

@testable import TenantRegistry

/// A gateway whose log does not become durable: what is committed there could still be lost (B1).
@Suite struct UndurableTests {
    /// A payment service that is asked, and says nothing.
    private final class Asked: OutboundCalls {
        let allowsPrivateAddresses = false
        let count = Atomic(0)

        func post(
            _ request: OutboundRequest, by payer: Payer,
            then: @escaping @Sendable (Result<OutboundResponse, OutboundFailure>) -> Void
        ) -> Bool {
            count.add(1, ordering: .relaxed)
            then(.failure(.unanswered("nothing")))
            return true
        }
    }

    /// Webhooks: how often somebody was told that one is due.
    private final class Woken: OutboundWork {
        let kind = DueKind.delivery
        let count = Atomic(0)

        func wake(_ record: TenantRecord) { count.add(1, ordering: .relaxed) }
    }

    /// What anybody who asks from outside the lane finds.
    private struct Seen: Equatable {
        let products: String
        let dueAt: Timestamp?
        let epoch: Int64
        let keys: Int64
        let woken: Int
        let asked: Int
    }

    private func keys(_ gateway: TestGateway) async throws -> Int64 {
        let registry = try #require(gateway.fleet.registry as? SQLiteRegistry)
        return try await handedOver { done in
            registry.run(
                writes: false,
                { try $0.row("SELECT count(*) FROM api_key") { try $0.int() } ?? 0 },
                then: { done.resume(with: $0) })
        }
    }

    private func seen(_ tenant: TestTenant, _ woken: Woken, _ asked: Asked) async throws -> Seen {
        let products = try await tenant.gateway.send(tenant.partner("GET", "/products"))
        return Seen(
            products: products.text, dueAt: tenant.record.dueAt, epoch: tenant.record.profile.projectionEpoch,
            keys: try await keys(tenant.gateway), woken: woken.count.load(ordering: .relaxed),
            asked: asked.count.load(ordering: .relaxed))
    }

    /// Every batch of jobs that were queued in the tenant's lane before has ended, told or not.
    private func passBatches(_ tenant: TestTenant) async throws {
        for _ in 0..<2 {
            try await handedOver { done in
                tenant.record.lane.submit(
                    LaneJob(
                        writes: false,
                        perform: { _ in
                            done.resume(returning: ())
                            return { _ in }
                        },
                        fail: { _ in }))
            }
        }
    }

    /// Begins a call and returns once it has committed something.
    private func commit(_ request: TestRequest, in tenant: TestTenant) async throws -> any HeldRequest {
        let log = try #require(tenant.gateway.fleet.log)
        let end = log.end
        let held = try await tenant.gateway.client.begin(request, bodyBytes: .max)
        try await until { log.end > end }
        try await passBatches(tenant)
        return held
    }

    private func writes(_ tenant: TestTenant) -> [TestRequest] {
        let admin = tenant.path("/api/admin")
        return [
            tenant.order("o-1"),
            TestRequest(
                "PUT", admin + "/resellers/\(tenant.reseller.id)/products/vps-1", #"{"wholesale_monthly":"9.00"}"#
            ).bearer(tenant.ownerKey),
            TestRequest("POST", admin + "/api-keys", #"{"owner_email":"\#(tenant.reseller.email)"}"#)
                .bearer(tenant.ownerKey),
        ]
    }

    /// As another process finds them where this one is killed now, on a machine that goes on.
    private func ordersAfterKill(_ gateway: TestGateway, _ tenant: TestTenant) throws -> Int64 {
        let folder = try TestFolder()
        let data = folder.file("data")
        try DataFolder.image(of: gateway.dataPath, to: data)
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(data, options: options)
        defer { node.stop() }
        return try node.read(node.tenant(tenant.slug)) { reader in
            try reader.connection.row("SELECT count(*) FROM orders") { try $0.int() } ?? 0
        }
    }

    private func prepare(_ gateway: TestGateway, _ woken: Woken) async throws -> TestTenant {
        gateway.fleet.due.register(woken)
        let tenant = try await gateway.tenant("hosting")
        let hook = #"{"url":"https://shop.example/hook","events":["order.created"]}"#
        #expect(try await gateway.send(tenant.partner("PUT", "/webhook", hook)).status == 200)
        return tenant
    }

    @Test("B1 what could still be lost is seen by no answer, read, kept list, key, registry row, due time or webhook")
    func unseen() async throws {
        let (disk, woken, asked) = (HeldLogDisk(), Woken(), Asked())
        try await withGateway(.inProcess, TestGateway.Setup(outbound: asked, logDisk: disk)) { gateway in
            let tenant = try await prepare(gateway, woken)
            let before = try await seen(tenant, woken, asked)
            disk.hold()
            var held: [any HeldRequest] = []
            for request in writes(tenant) { held.append(try await commit(request, in: tenant)) }
            for path in ["/balance", "/orders", "/services", "/webhook"] {
                held.append(try await gateway.client.begin(tenant.partner("GET", path), bodyBytes: .max))
            }
            let deliveries = TestRequest("GET", tenant.path("/api/admin/deliveries")).bearer(tenant.ownerKey)
            held.append(try await gateway.client.begin(deliveries, bodyBytes: .max))
            try await passBatches(tenant)
            #expect(held.allSatisfy { !$0.isAnswered })
            #expect(try await seen(tenant, woken, asked) == before)
            disk.release()
            let statuses = try await held.inOrder { try await $0.finish().status }
            #expect(statuses == [201, 200, 201, 200, 200, 200, 200, 200])
            let after = try await seen(tenant, woken, asked)
            #expect(after.products.contains("9.00") && after.keys == before.keys + 1 && after.epoch > before.epoch)
            #expect(after.woken > before.woken)
        }
    }

    @Test("B1 A6 nobody outside is asked before the row that tells of it is durable")
    func unasked() async throws {
        let (disk, asked) = (HeldLogDisk(), Asked())
        try await withGateway(.inProcess, TestGateway.Setup(outbound: asked, logDisk: disk)) { gateway in
            let codes = try await gateway.tenant("codes")
            let service = try await codes.asOwner(
                "PUT", "/payment-service",
                """
                {"driver":"http","create_url":"https://pay.example/v1","api_key":"a-key-of-ours",
                 "webhook_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                 "callback_url":"https://shop.example/callback","return_url":"https://shop.example/"}
                """)
            #expect(service.status == 200, "\(service.text)")
            disk.hold()
            let topUp = try await commit(
                TestRequest("POST", codes.path("/api/reseller/topup"), #"{"amount":10}"#)
                    .with("x-api-key", codes.key), in: codes)
            #expect(asked.count.load(ordering: .relaxed) == 0 && !topUp.isAnswered)
            disk.release()
            _ = try await topUp.finish()
            #expect(asked.count.load(ordering: .relaxed) > 0)
        }
    }

    @Test(
        "B1 G8 where the log fails callers are told that nobody knows, until it is back: a kill may bring it all back"
    )
    func failing() async throws {
        let (disk, woken, asked) = (HeldLogDisk(), Woken(), Asked())
        try await withGateway(.inProcess, TestGateway.Setup(outbound: asked, logDisk: disk)) { gateway in
            let tenant = try await prepare(gateway, woken)
            let other = try await gateway.tenant("hosting", slug: "other")
            let before = try await seen(tenant, woken, asked)
            disk.hold()
            var held: [any HeldRequest] = []
            for request in writes(tenant) { held.append(try await commit(request, in: tenant)) }
            held.append(try await gateway.client.begin(tenant.partner("GET", "/balance"), bodyBytes: .max))
            try await passBatches(tenant)
            let log = try #require(gateway.fleet.log)
            // All of it is written, and waits for its sync.
            try await until { log.locked { $0.isEmpty } }
            disk.fail()
            let answers = try await held.inOrder { try await $0.finish() }
            #expect(answers.map(\.status) == [503, 503, 503, 503])
            #expect(answers.map(\.code) == ["outcome_unknown", "outcome_unknown", "outcome_unknown", "not_committed"])
            #expect(tenant.record.profile.projectionEpoch == before.epoch)
            #expect(woken.count.load(ordering: .relaxed) == before.woken)
            // Nothing more is done while the log is down. Whoever asks again is not told that the order is not there.
            for order in ["o-2", "o-1"] {
                #expect(try await gateway.send(tenant.order(order)).code == "outcome_unknown")
            }
            for path in ["/orders", "/products"] {
                #expect(try await gateway.send(tenant.partner("GET", path)).code == "not_committed")
            }
            #expect(try await gateway.send(other.partner("GET", "/orders")).status == 200)
            #expect(try await gateway.send(other.order("o-1")).code == "not_committed")
            try await until { log.locked { $0.inFlight == 0 } }
            #expect(try ordersAfterKill(gateway, tenant) == 1, "it is there after all")
            disk.release()
            try await until { log.room == .open }
            let again = try await gateway.send(tenant.order("o-1"))
            #expect(again.status == 201)
            #expect(try await tenant.count("SELECT count(*) FROM orders") == 1)
            #expect(try await gateway.send(tenant.order("o-1")).field("Idempotency-Hit") == "true")
            #expect(try await tenant.count("SELECT count(*) FROM orders") == 1)
        }
    }
}

extension Array where Element: Sendable {
    fileprivate func inOrder<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}

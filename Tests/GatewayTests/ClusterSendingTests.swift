import TenantRegistry
import TestGateway
import TestTenants
import Testing

@testable import Gateway
@testable import TenantApp

/// What leaves the house for a tenant leaves from the one node that has it (N3, H3).
@Suite struct ClusterSendingTests {
    private struct Rows: Sendable {
        let endpoint: DueEndpoint
        let delivery: ClaimedDelivery
    }

    /// An endpoint with one delivery, as a file has them.
    private static func rows(_ record: TenantRecord) async throws -> Rows {
        try await handedOver { (done: Handover<Rows>) in
            record.onLane(
                writes: false,
                { tenant -> Rows in
                    let connection = tenant.reader.connection
                    let url = "https://shop.example/hook"
                    let endpoints = try connection.rows(
                        dynamic: "SELECT 1, 'whk_1', 1, '\(url)', 1, NULL, 0, 0"
                    ) { try DueEndpoint(&$0) }
                    let deliveries = try connection.rows(
                        dynamic: "SELECT 1, 'evt_1', '{}', 0, 0, NULL"
                    ) { try ClaimedDelivery(1, &$0, to: url, []) }
                    return Rows(endpoint: endpoints[0], delivery: deliveries[0])
                }, then: { done.resume(with: $0) })
        }
    }

    @Test("N3 H3 a node that slept sends no webhook that it had read before: the rows say what is left to send")
    func sleptOver() async throws {
        try await withCluster { cluster in
            let fleet = cluster[0].fleet
            let record = try #require(fleet.roster.tenant(slug: cluster.hosting.slug))
            let rows = try await Self.rows(record)
            var state = SendingState(slots: WebhookSlots(nodeMax: 8))
            let tenant = TenantQueue(record)
            state.tenants[record.id] = tenant
            let moment = Moment(now: 1_000, wall: fleet.clock.now(), fleet: fleet)
            state.take([rows.endpoint], of: record.id, moment)
            let asked = state.advance(moment)
            #expect(asked.toRead == [record.id])
            let order = WebhookSender.Order(
                endpoint: rows.endpoint.id, underWay: [], limit: 1, generation: 0, changes: record.webhookChanges)
            let reading = WebhookSender.Reading(order: order, deliveries: [rows.delivery], incarnation: 1)
            state.take(reading, of: record.id, now: moment.now)
            #expect(state.ahead == 1)
            // Its lease ends as in a long sleep.
            cluster[0].faults.isAway = true
            try await until { fleet.cluster?.isServing == false }
            let awake = state.advance(moment)
            #expect(awake.starts.isEmpty && state.ahead == 0)
            let next = state.nextJob(of: tenant)
            #expect(tenant.wantsLook && next == moment.now + WebhookSender.pauseAfterFailureMilliseconds)
            cluster[0].faults.isAway = false
        }
    }
}

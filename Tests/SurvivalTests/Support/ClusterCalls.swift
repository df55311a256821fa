import TestTenants
import Testing

@testable import TenantRegistry

/// What tests ask of one node of a cluster.
extension TestNode {
    /// What was committed anywhere before is known here, and what this node took over is served.
    func caughtUp() {
        let done = Promise<Bool>()
        fleet.cluster?.catchUp { done.succeed($0) }
        _ = try? done.value()
        for record in fleet.roster.allTenants {
            let place = Promise<TenantPlace>()
            fleet.cluster?.look(record.id) { place.succeed($0) }
            _ = try? place.value()
        }
    }

    func give(_ certificate: String?, to record: TenantRecord) throws {
        let (host, text) = ("own.example", certificate ?? "")
        let made = DomainCertificate(of: record.id, host: host, certificate: text, wrappedPrivateKey: [1])
        let change = DomainChange(hosts: text.isEmpty ? [] : [host], certificates: text.isEmpty ? [] : [made])
        let act = fleet.ownAct("test")
        let _: Void = try awaited { fleet.change(record, as: act, domains: change, { _ in }, then: $0) }
    }

    func adopt(_ record: TenantRecord, _ history: Fleet.History) throws -> AuditHead {
        try awaited { fleet.adopt(record, history, then: $0) }
    }

    func move(_ record: TenantRecord, to name: String) throws {
        let target = try #require(NodeName(name))
        let _: Void = try awaited { fleet.move(record, to: target, then: $0) }
    }
}

import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// The nodes of a cluster, and which of them has which tenant (N4). A call that names a node is answered by that node,
/// one that names a tenant by the tenant's.
extension ProviderAPI {
    var clusterRoutes: [Route] {
        [
            Route(
                .get, "/nodes", "List the cluster's nodes, none where this one is by itself", access: .providerReader,
                gives: .read(Schemas.nodes)
            ) { _ in .answer(listNodes()) },
            Route(
                .post, "/nodes/{node}/drain", "Give all of a node's tenants to the others", access: .provider,
                gives: .done(Schemas.drained), refuses: [409]
            ) { try drain($0) },
            Route(
                .delete, "/nodes/{node}/drain", "Let a node take tenants again", access: .provider,
                gives: .done(Schemas.drained), refuses: [409]
            ) { try undrain($0) },
            Route(
                .post, "/tenants/{slug}/adopt", "Say which history of a tenant holds, the database taken back",
                access: .provider, takes: Self.adoption.schema, gives: .done(Schemas.adopted),
                refuses: [409]
            ) { try adopt($0) },
            Route(
                .get, "/placement", "Tell at which node each tenant is", access: .providerReader,
                parameters: [.query("tenant", Self.someTenants), .limit, .cursor], gives: .list(Schemas.placed)
            ) { try listPlacement($0) },
        ]
    }

    private func cluster() throws(Refusal) -> ClusterMember {
        guard let cluster = fleet.cluster else { throw .conflict(.noCluster) }
        return cluster
    }

    // MARK: Nodes

    private func listNodes() -> Answer {
        let cluster = fleet.cluster
        return .json { json in
            json.field("answered_by", cluster?.name.text)
            json.field("is_serving", cluster?.isServing ?? true)
            json.field("records_since_snapshots", cluster?.figures.recordsBehind ?? 0)
            json.field("standby_lag_bytes", cluster?.log.standing.standbyLagBytes.map { Int64(clamping: $0) })
            json.array("data") { json in
                for report in cluster?.report ?? [] {
                    json.object { json in
                        json.field("name", report.node.name.text)
                        json.field("address", report.node.address)
                        json.field("state", Self.state(of: report))
                        json.field("tenants", report.tenants)
                        json.field("silent_milliseconds", report.silentMilliseconds)
                        json.field("schema", Int64(report.node.schema))
                    }
                }
            }
        }
    }

    private static func state(of report: ClusterMember.Report) -> String {
        if report.isSilent { return "silent" }
        return switch report.node.state {
        case .serving: "serving"
        case .draining: "draining"
        case .left: "left"
        }
    }

    /// The cluster, where this node is the one that the path names.
    private func clusterOfNamed(_ call: Call) throws(Refusal) -> ClusterMember {
        let cluster = try cluster()
        guard call.parameters[0] == cluster.name.text else { throw .notFound(.node) }
        return cluster
    }

    private func drain(_ call: Call) throws -> Work {
        let cluster = try clusterOfNamed(call)
        return .flow { steps in
            try await log(call.act("node.drained"), call, steps)
            let moved: Int
            do {
                moved = try await steps.callback { done in fleet.drain(then: done) }
            } catch let failure as Fleet.MoveFailure {
                throw Refusal(failure)
            }
            return .answer(Self.drained(cluster, moved: moved))
        }
    }

    private func undrain(_ call: Call) throws -> Work {
        let cluster = try clusterOfNamed(call)
        return .flow { steps in
            try await log(call.act("node.undrained"), call, steps)
            let _: Void = try await steps.callback { done in fleet.undrain { done(.success(())) } }
            return .answer(Self.drained(cluster, moved: 0))
        }
    }

    private static func drained(_ cluster: ClusterMember, moved: Int) -> Answer {
        .json { json in
            json.field("name", cluster.name.text)
            json.field("state", cluster.ownState == .draining ? "draining" : "serving")
            json.field("moved", moved)
        }
    }

    // MARK: Tenants

    /// Within the cluster: live, and its calls go where it went.
    func place(_ record: TenantRecord, at name: String, _ call: Call) throws -> Work {
        _ = try cluster()
        guard let node = NodeName(name) else { throw Refusal(Fleet.MoveFailure.noNode) }
        return .flow { steps in
            try await log(call.act("tenant.placed"), of: record, call, steps)
            do {
                try await steps.callback { done in fleet.move(record, to: node, then: done) }
            } catch let failure as Fleet.MoveFailure {
                throw Refusal(failure)
            }
            return .answer(answer(record, call))
        }
    }

    private func adopt(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        let history = try call.read(Self.adoption)
        _ = try cluster()
        return .flow { steps in
            try await log(call.act("tenant.adopted"), of: record, call, steps)
            do {
                let head = try await steps.callback { done in fleet.adopt(record, history, then: done) }
                return .answer(.json { json in json.field("audit_head", head.text) })
            } catch let failure as Fleet.MoveFailure {
                throw Refusal(failure)
            }
        }
    }

    private static let adoption = Body(Field.choice("history", Fleet.History.self))

    private func listPlacement(_ call: Call) throws -> Work {
        let cluster = fleet.cluster
        let query = try call.query()
        let seal = try CursorSeal(call)
        let limit = try Paging.limit(query)
        let after = try query["cursor"].map { text throws(Refusal) in
            String(decoding: try seal.open(text), as: UTF8.self)
        }
        let slugs = try query["tenant"].map { text throws(Refusal) in try Self.slugs(in: text) }
        return .files {
            let nodes = Dictionary((cluster?.nodes ?? []).map { ($0.name, $0.address) }, uniquingKeysWith: { $1 })
            let page = tenants(slugs, after: after, limit: limit + 1)
            return .answer(
                Paging.answer(page, limit: limit, cursor: { seal.seal(Array($0.slug.utf8)) }) { record, json in
                    let owner = cluster?.owner(of: record.id)
                    json.field("slug", record.slug)
                    json.array("hosts") { json in for host in record.profile.domains { json.element(host) } }
                    json.field("node", owner?.text)
                    json.field("address", owner.flatMap { nodes[$0] })
                })
        }
    }

    /// In the order of their slugs. `slugs`: nil for all; what nobody has is left out.
    private func tenants(_ slugs: [String]?, after: String?, limit: Int) -> [TenantRecord] {
        guard let slugs else { return fleet.roster.tenants(after: after, limit: limit) }
        let asked = Set(slugs).filter { $0 > after ?? "" }.sorted()
        return Array(asked.compactMap { fleet.roster.tenant(slug: $0) }.prefix(limit))
    }
}

extension Refusal {
    init(_ failure: Fleet.MoveFailure) {
        switch failure {
        case .noNode: self = .field("/node", "unknown", "is no other node that takes tenants")
        case .notHere: self = .unavailable(.tenantMoving)
        case .alone: self = .conflict(.lastNode)
        case .byItself: self = .conflict(.noCluster)
        }
    }
}

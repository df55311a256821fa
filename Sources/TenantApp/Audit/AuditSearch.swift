package import CallKit
import Cryptography
package import HTTPCore
package import TenantRegistry

/// A search or an export of the audit log as it was asked for: ids are public, and looked up before the walk begins.
package struct AuditSearch: Sendable {
    package var from: Timestamp?
    package var to: Timestamp?
    package var key: String?
    package var reseller: String?
    package var status: Int?
    package var before: AuditPlace?

    /// So many stretches are looked at for one page; a page of a search that finds little may be short, and goes on.
    package static let stretchesMax = 64

    /// From the query of `GET /audit` and its exports.
    package init(_ query: Query) throws(Refusal) {
        from = try query.time("from")
        to = try query.time("to")
        key = query["key"]
        reseller = query["reseller"]
        status = try query.integer("status", in: 100...599)
        if let text = query["cursor"] {
            guard let place = AuditPlace(cursor: text) else {
                throw .field("/cursor", "format", "is not a cursor that a list has given")
            }
            before = place
        }
    }

    /// Finds the ids and begins the walk. What is still in memory is written first, so that whoever looks sees the calls
    /// that were answered before; `then` comes on the lane's worker.
    package func begin(
        _ call: Call, then: @escaping @Sendable (Result<AuditWalk, any Error>) -> Void
    ) {
        let (tenant, fleet) = (call.tenant, call.services.fleet)
        // A later page goes on below what the first one showed.
        let flushes = before == nil && !fleet.refusesWrites
        let search = self
        tenant.lane.submit(
            LaneJob(
                writes: flushes,
                perform: { store in
                    if flushes { store.flushReads() }
                    let filter = Result { try search.filter(store.reader) }
                    return { _ in
                        then(
                            filter.map { filter in
                                AuditWalk(tenant, fleet.background, filter: filter, before: search.before ?? .newest)
                            })
                    }
                },
                fail: { then(.failure($0)) }))
    }

    private func filter(_ tenant: TenantReader) throws -> AuditFilter {
        var filter = AuditFilter()
        filter.from = from
        filter.to = to
        filter.status = status
        filter.resellerID = try tenant.resellerID(filter: reseller)
        filter.keyID = try key.map { publicID in
            guard let key = try tenant.key(publicID: publicID) else { throw Refusal.notFound(.key) }
            return key.id
        }
        return filter
    }

    package struct Page: Sendable {
        package let entries: [AuditEntry]
        package let names: AuditNames
        /// Behind what the next page begins; nil at the end.
        package let next: AuditPlace?
    }

    /// One page, newest first. `then` comes on the background pool, a failure perhaps on the lane's worker.
    package func page(
        _ call: Call, limit: Int,
        then: @escaping @Sendable (Result<Page, any Error>) -> Void
    ) {
        begin(call) { result in
            switch result {
            case .success(let walk): Self.gather(walk, limit: limit, stretches: 1, [], then)
            case .failure(let error): then(.failure(error))
            }
        }
    }

    private static func gather(
        _ walk: AuditWalk, limit: Int, stretches: Int, _ found: [AuditEntry],
        _ then: @escaping @Sendable (Result<Page, any Error>) -> Void
    ) {
        // One more than is shown: whether there is a next page shows by it.
        walk.next(limit + 1 - found.count) { result in
            do {
                let step = try result.get()
                let entries = found + step.entries
                if entries.count > limit {
                    let shown = Array(entries.prefix(limit))
                    then(.success(Page(entries: shown, names: step.names, next: shown.last?.place)))
                } else if walk.isAtEnd {
                    then(.success(Page(entries: entries, names: step.names, next: nil)))
                } else if stretches == stretchesMax {
                    then(.success(Page(entries: entries, names: step.names, next: walk.place)))
                } else {
                    gather(walk, limit: limit, stretches: stretches + 1, entries, then)
                }
            } catch {
                then(.failure(error))
            }
        }
    }
}

extension AuditPlace {
    private static let cursorBytes = 12

    package init?(cursor: String) {
        guard let bytes = Base64.decodeURL(cursor), bytes.count == Self.cursorBytes else { return nil }
        let sequence = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let index = bytes[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard sequence <= UInt64(Int64.max) else { return nil }
        self.init(sequence: Int64(sequence), index: Int(index))
    }

    package var cursor: String {
        let sequence = (0..<8).map { UInt8(truncatingIfNeeded: self.sequence >> Int64(56 - 8 * $0)) }
        let index = (0..<4).map { UInt8(truncatingIfNeeded: self.index >> (24 - 8 * $0)) }
        return Base64.encodeURL(sequence + index)
    }
}

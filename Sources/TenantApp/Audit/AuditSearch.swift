package import CallKit
package import HTTPCore
package import TenantRegistry

/// A search or an export of the audit log as it was asked for: ids are public, and looked up before the walk begins.
package struct AuditSearch: Sendable {
    package var from: Timestamp?
    package var to: Timestamp?
    package var key: String?
    package var reseller: String?
    package var status: Int?
    package var account: String?
    package var action: String?
    package var requestID: RequestID?
    package var order: String?
    /// A public id that stands in a write's detail.
    package var object: String?
    /// A SKU.
    package var product: String?
    package var changesAlone = false
    package var author: Author?
    package var leftOut: LeftOut?
    /// Of a reseller's own calls.
    package var callers = UsageFilter.Callers.all
    package var before: AuditPlace?
    /// A reseller looks at its own calls, and at nothing else.
    package var ownOf: Int64?

    /// Whose changes are asked for.
    package enum Author: String, Sendable, CaseIterable {
        case operators
    }

    /// What is not asked for.
    package enum LeftOut: String, Sendable, CaseIterable {
        /// Calls by which people come and go.
        case sessions
    }

    /// So many stretches are looked at for one page; a page of a search that finds little may be short, and goes on.
    package static let stretchesMax = 40
    /// And so many blocks are opened, each of which costs as much as a stretch.
    package static let blocksMax = 128

    private let seal: CursorSeal

    /// From the query of `GET /audit` and its exports.
    package init(_ query: Query, _ seal: CursorSeal) throws(Refusal) {
        self.seal = seal
        (from, to) = try query.period()
        key = try query.id("key")
        reseller = try query.id("reseller")
        status = try query.integer("status", in: 100...599)
        account = try query.email("account")
        action = try query.id("action")
        requestID = try query["request_id"].map { text throws(Refusal) in
            guard let id = RequestID(text: text) else {
                throw .field("/request_id", "format", "must be req_ and 32 hexadecimal digits")
            }
            return id
        }
        order = try query.id("order")
        object = try query.id("object")
        product = try query.id("product")
        author = try query.choice("author")
        leftOut = try query.choice("without")
        changesAlone = try query.flag("changes")
        before = try query["cursor"].map { text throws(Refusal) in
            let bytes = try seal.open(text)
            guard let sequence = bytes.place(0), let index = bytes.place(1) else {
                throw .badQuery(.unknownCursor)
            }
            return AuditPlace(sequence: sequence, index: Int(index))
        }
    }

    /// Finds the ids and begins the walk. What is still in memory is written first, so that whoever looks sees the
    /// calls that were answered before; a later page goes on below what the first one showed.
    package func begin(_ steps: Steps) async throws -> AuditWalk {
        if before == nil { try await steps.flushReads() }
        // What names nothing is known without a look.
        let filter = namesNothing ? plain : try await steps.read { try self.filter($0) }
        return try await AuditWalk(steps, filter: filter, behind: before)
    }

    private var namesNothing: Bool {
        ownOf == nil && [key, reseller, account, order, product].allSatisfy { $0 == nil }
    }

    /// What is asked for, but for what has a name.
    private var plain: AuditFilter {
        var filter = AuditFilter()
        filter.from = from
        filter.to = to
        filter.status = status
        filter.action = action
        filter.requestID = requestID
        filter.changesAlone = changesAlone
        filter.operatorsAlone = author == .operators
        filter.withoutSessions = leftOut == .sessions
        if let object { filter.mentions.append("\"\(object)\"") }
        return filter
    }

    private func filter(_ tenant: TenantReader) throws -> AuditFilter {
        var filter = plain
        filter.resellerID = try tenant.resellerID(filter: reseller)
        filter.keyID = try key.map { publicID in
            guard let key = try tenant.key(publicID: publicID), ownOf == nil || key.resellerID == ownOf else {
                throw Refusal.notFound(.key)
            }
            return key.id
        }
        filter.accountID = try account.map { email in
            guard let account = try tenant.account(email: email) else { throw Refusal.notFound(.account) }
            return account.id
        }
        try mention(&filter, tenant)
        if let ownOf { filter.keyIDs = Set(try tenant.callers(ofReseller: ownOf, callers).keys) }
        return filter
    }

    /// What is to stand in a write's detail.
    private func mention(_ filter: inout AuditFilter, _ tenant: TenantReader) throws {
        if let order {
            guard let known = try tenant.order(publicID: order, resellerID: ownOf, book: nil) else {
                throw Refusal.notFound(.order)
            }
            filter.mentions.append("\"\(known.publicID)\"")
            // Nothing was said of it before the call came that placed it.
            let earliest = known.createdAt.adding(days: -TenantReader.auditDisorderDays)
            filter.from = max(from ?? earliest, earliest)
        }
        if let product {
            filter.mentions.append("\"product\":\"\(try tenant.knownProduct(product).sku)\"")
        }
    }

    package struct Slice: Sendable {
        package let entries: [AuditEntry]
        package let names: AuditNames
        /// The cursor of the next page; nil at the end.
        package let next: String?
    }

    /// One page, newest first.
    package func page(_ steps: Steps, limit: Int) async throws -> Slice {
        var walk = try await begin(steps)
        var entries: [AuditEntry] = []
        for stretch in 1... {
            // One more than is shown: whether there is a next page shows by it.
            entries += try await walk.next(limit + 1 - entries.count)
            if entries.count > limit {
                let shown = Array(entries.prefix(limit))
                return Slice(entries: shown, names: walk.names, next: shown.last.map { cursor($0.place) })
            }
            if walk.isAtEnd { break }
            if stretch == Self.stretchesMax || walk.blocksOpened >= Self.blocksMax {
                entries += try await walk.rest(limit - entries.count)
                if walk.hasWaiting, let last = entries.last {
                    return Slice(entries: entries, names: walk.names, next: cursor(last.place))
                }
                break
            }
        }
        return Slice(entries: entries, names: walk.names, next: walk.isAtEnd ? nil : cursor(walk.place))
    }

    private func cursor(_ place: AuditPlace) -> String {
        seal.seal([UInt8](places: place.sequence, Int64(place.index)))
    }
}

import CallKit
import HTTPCore
import TenantRegistry

/// The four calls of the product document, and a file of what the first lists. What it shows with GET takes POST as
/// well (L1). Times are milliseconds since 1970 (L2).
extension LicenceKeys {
    static let licences: [Route] = available + [exported] + info + fetched + [assigned]

    private static let available = byEitherMethod(
        "/myavailable", "List the licenses that are not resold yet", query: .page(), takes: Schemas.tokenAlone,
        gives: .read(Schemas.available)
    ) { call, _ in
        let query = try call.query()
        if query["limit"] != nil || query["cursor"] != nil { return try page(call) }
        return ListAvailableLicences(call) { licence, json in
            Schemas.availableLicence.write(licence, in: call.currency, to: &json)
        }.work(head: #"{"ok":true,"licenses":["#, tail: "]}")
    }

    /// A page of them, for whoever asks for one.
    private static func page(_ call: Call) throws(Refusal) -> Work {
        let page = try Paging(call)
        return .read { tenant in
            let rows = try tenant.availableLicences(
                resellerID: call.resellerID, book: call.book, after: page.after, limit: page.fetch)
            let shown = rows.prefix(page.limit)
            let isMore = rows.count > page.limit
            return .json { json in
                json.field("ok", true)
                json.array("licenses") { json in
                    for row in shown {
                        json.object { json in Schemas.availableLicence.write(row, in: tenant.currency, to: &json) }
                    }
                }
                json.field("has_more", isMore)
                json.field("next_cursor", isMore ? shown.last.map { page.text(behind: $0.id) } : nil)
            }
        }
    }

    private static let exported = Route(
        .get, "/myavailable.csv", "Export the licenses that are not resold yet", access: .reseller(.licences),
        gives: .read(.file("text/csv"))
    ) { call in
        .flow { steps in
            OperatorAdmin.download(
                "licences.csv", "text/csv; charset=utf-8",
                ExportLicences.stream(steps, resellerID: call.resellerID, book: call.book))
        }
    }

    private static let info = byEitherMethod(
        "/licenseinfo", "Read one license", query: [.query("license", Schemas.key.schema, isRequired: true)],
        takes: Schemas.whichLicence.schema, gives: .read(Schemas.info)
    ) { call, fields in
        let key = try fields.read(Schemas.whichLicence, call.reading)
        return .read { tenant in
            guard let licence = try tenant.licence(key: key, resellerID: call.resellerID, book: call.book) else {
                throw Refusal.notFound(.licence)
            }
            let info = Schemas.Info(licence: licence, isExpired: licence.expiresAt <= tenant.now)
            return .json(Schemas.info, info, in: tenant.currency)
        }
    }

    private static let fetched = byEitherMethod(
        "/fetchlicense", "Draw a random available license", moves: .oneBook, takes: Schemas.tokenAlone,
        gives: .done(Schemas.fetched)
    ) { call, _ in
        let fetch = FetchLicence(resellerID: call.resellerID, book: call.book)
        return .write { tenant, detail in
            let licence = try fetch.run(tenant, &detail)
            return .json(Schemas.fetched, licence, in: tenant.currency)
        }
    }

    private static let assigned = Route(
        .post, "/assignlicense", "Assign a license to a Discord user", access: .reseller(.licences), moves: .oneBook,
        body: .whole(bytesMax: bodyBytesMax), idempotency: .accepted, takes: Schemas.assignment.schema,
        gives: .done(Schemas.assigned), refuses: [409]
    ) { call in
        var fields = try parameters(call, [Schemas.key.name, Schemas.user.name])
        let (key, user) = try fields.read(Schemas.assignment, call.reading)
        let assign = AssignLicence(
            licenceKey: key, discordUserID: user, resellerID: call.resellerID, book: call.book,
            keyID: call.known.projection.keyID)
        return .write { tenant, detail in
            try assign.run(tenant, &detail)
            return .json(Schemas.assigned, "License assigned successfully", in: tenant.currency)
        }
    }

    /// A call by GET, as the document's examples have it, and by POST, with all of it in the body: one handler, and the
    /// same callers. `query`: what GET is described with; `takes`: what POST is.
    private static func byEitherMethod(
        _ pattern: String, _ summary: String, moves: Route.Moves = .nothing, query: [Parameter] = [], takes: Schema,
        gives: Success, handle: @escaping @Sendable (Call, inout FieldReader) throws -> Work
    ) -> [Route] {
        [Method.get, .post].map { method in
            let isPost = method == .post
            return Route(
                method, pattern, summary, access: .reseller(.licences), moves: moves,
                body: .whole(bytesMax: bodyBytesMax),
                idempotency: isPost && moves != .nothing ? .accepted : .ignored,
                openIn: moves == .nothing ? [.suspended] : [], parameters: isPost ? [] : query,
                takes: isPost ? takes : nil, gives: gives
            ) { call in
                var fields = try parameters(call, isPost ? query.map(\.name) : [])
                return try handle(call, &fields)
            }
        }
    }

    /// Parameters stand in the JSON body or in the query; the body's come first.
    ///
    /// `names`: of those that the call reads out of the query without its route saying so.
    private static func parameters(_ call: Call, _ names: [String]) throws(Refusal) -> FieldReader {
        var members: [JSONMember] = []
        if !call.body.isEmpty {
            guard case .object(let sent) = try call.json() else {
                throw .unparseable("The body must be a JSON object.")
            }
            members = sent
        }
        let query = try call.query()
        if let name = query.repeated(of: names) { throw .badQuery(.repeated(name)) }
        for pair in query.pairs where !members.contains(where: { $0.name == pair.name }) {
            members.append(JSONMember(name: pair.name, value: .string(pair.value)))
        }
        return FieldReader(.object(members))
    }
}

import CallKit
import HTTPCore
import TenantRegistry

/// The four calls of the product document. Times are milliseconds since 1970 (L2).
extension LicenceKeys {
    static let licences: [Route] = [
        Route(
            .get, "/myavailable", "List the licenses that are not resold yet", access: .reseller(.licences),
            body: .whole(bytesMax: bodyBytesMax), gives: .read(Schemas.available)
        ) { call in
            ListAvailableLicences(call) { licence, json in
                Schemas.availableLicence.write(licence, in: call.currency, to: &json)
            }.work(head: #"{"ok":true,"licenses":["#, tail: "]}")
        },
        Route(
            .get, "/licenseinfo", "Read one license", access: .reseller(.licences),
            body: .whole(bytesMax: bodyBytesMax), parameters: [.query("license", Schemas.key.schema, isRequired: true)],
            gives: .read(Schemas.info)
        ) { call in
            var fields = try parameters(call)
            let key = try fields.read(Schemas.licenceQuery, call.reading)
            return .read { tenant in
                guard let licence = try tenant.licence(key: key, resellerID: call.resellerID, book: call.book) else {
                    throw Refusal.notFound(.licence)
                }
                let info = Schemas.Info(licence: licence, isExpired: licence.expiresAt <= tenant.now)
                return .json(Schemas.info, info, in: tenant.currency)
            }
        },
        Route(
            .get, "/fetchlicense", "Draw a random available license", access: .reseller(.licences), moves: .oneBook,
            body: .whole(bytesMax: bodyBytesMax), gives: .done(Schemas.fetched)
        ) { call in
            let fetch = FetchLicence(resellerID: call.resellerID, book: call.book)
            return .write { tenant, detail in
                let licence = try fetch.run(tenant, &detail)
                return .json(Schemas.fetched, licence, in: tenant.currency)
            }
        },
        Route(
            .post, "/assignlicense", "Assign a license to a Discord user", access: .reseller(.licences),
            moves: .oneBook,
            body: .whole(bytesMax: bodyBytesMax), idempotency: .accepted, takes: Schemas.assignment.schema,
            gives: .done(Schemas.assigned), refuses: [409]
        ) { call in
            var fields = try parameters(call)
            let (key, user) = try fields.read(Schemas.assignment, call.reading)
            let assign = AssignLicence(
                licenceKey: key, discordUserID: user, resellerID: call.resellerID, book: call.book,
                keyID: call.known.projection.keyID)
            return .write { tenant, detail in
                try assign.run(tenant, &detail)
                return .json(Schemas.assigned, "License assigned successfully", in: tenant.currency)
            }
        },
    ]

    /// Parameters stand in the JSON body or in the query; the body's come first.
    private static func parameters(_ call: Call) throws(Refusal) -> FieldReader {
        var members: [JSONMember] = []
        if !call.body.isEmpty {
            guard case .object(let sent) = try call.json() else {
                throw .unparseable("The body must be a JSON object.")
            }
            members = sent
        }
        let query = try call.query()
        if let name = query.repeated, [Schemas.key.name, Schemas.user.name].contains(name) {
            throw .badQuery(.repeated(name))
        }
        for pair in query.pairs where !members.contains(where: { $0.name == pair.name }) {
            members.append(JSONMember(name: pair.name, value: .string(pair.value)))
        }
        return FieldReader(.object(members))
    }
}

import CallKit
import HTTPCore
import TenantRegistry

/// Keys of the whole tenant (O1, O2). Only the owner mints for others.
extension OperatorAdmin {
    static let keys: [Route] = [
        Route(
            .post, "/api-keys", "Mint a key for an account", access: .owner, idempotency: .accepted,
            takes: Schemas.newKey, gives: .made(.mintedKey), refuses: [409]
        ) { call in
            let request = try keyRequest(call)
            let secret = call.newSecret(request.book)
            let issue = IssueKey(request: request, secret: secret, issuedBy: call.accountID)
            return .reserving(secret.hash) { tenant, detail in
                KeyAnswers.minted(try issue.run(tenant, &detail), secret, status: 201)
            }
        },
        Route(
            .get, "/api-keys", "List keys", access: .administrator, parameters: .page(Schemas.reseller),
            gives: .list(Schemas.key), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let reseller = query["reseller"]
            return .read { tenant in
                let rows = try tenant.keys(
                    resellerID: try tenant.resellerID(filter: reseller), after: page.after, limit: page.fetch)
                return try page.answer(rows, id: \.id) { key, json in try encode(key, tenant, &json) }
            }
        },
        Route(.get, "/api-keys/{id}", "Read a key", access: .administrator, gives: .read(Schemas.key)) { call in
            .read { tenant in
                let key = try tenant.knownKey(call.parameters[0])
                return try .json { json in try encode(key, tenant, &json) }
            }
        },
        Route(.delete, "/api-keys/{id}", "Revoke a key", access: .administrator, gives: .done(.revokedKey)) { call in
            KeyAnswers.revoke(call, resellerID: nil)
        },
        Route(
            .post, "/api-keys/{id}/rotate", "Give a key a new secret", access: .administrator, idempotency: .accepted,
            takes: .rotation.omittable, gives: .done(.mintedKey), refuses: [409]
        ) { call in try KeyAnswers.rotate(call, resellerID: nil) },
        Route(
            .put, "/api-keys/{id}/limit", "Set a key's own limit", access: .administrator, takes: .newLimit,
            gives: .done(Schemas.key), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let limit = fields.policy()
            try fields.finish()
            guard let limit else { throw Refusal.defect }
            return change(ChangeKeyLimit(keyID: call.parameters[0], limit: limit), call)
        },
        Route(
            .delete, "/api-keys/{id}/limit", "Take a key's own limit away", access: .administrator,
            gives: .done(Schemas.key), refuses: [409]
        ) { call in
            change(ChangeKeyLimit(keyID: call.parameters[0], limit: nil), call)
        },
    ]

    static let sessions: [Route] = [
        Route(
            .post, "/session", "Sign in as the owner or an operator", access: .open, takes: .credentials,
            gives: .done(.session), refuses: [401]
        ) { call in
            var fields = try call.fields()
            let email = fields.email("email")
            let password = fields.string("password", characters: 1...PasswordRule.charactersMax)
            try fields.finish()
            guard let email, let password else { throw Refusal.defect }
            return SignIn.work(call, email: email, password: password, roles: [.owner, .operator])
        },
        Route(.delete, "/session", "Sign out", access: .administrator, openIn: [.pending, .suspended], gives: .nothing)
        { call in
            // A key is revoked by its id, not by signing out with it.
            guard call.known.role.isSession else {
                throw Refusal.forbidden(.keyHasNoSession)
            }
            return .write { tenant, _ in
                try tenant.revokeKey(call.keyID)
                return .noContent
            }
        },
    ]

    private static func keyRequest(_ call: Call) throws -> IssueKey.Request {
        var fields = try call.fields()
        let email = fields.email("owner_email")
        let isScoped = fields.has("scopes") && !fields.isNull("scopes")
        // Which scopes the tenant offers is in its file: judged there.
        let scopes = isScoped ? fields.scopes("scopes", allowed: .all) : nil
        let role = fields.optionalChoice("role", as: IssueKey.Role.self)
        let book = fields.mode("mode")
        let name = fields.optionalString("name", characters: 1...100)
        let end = fields.expiry("expires_at", after: call.now)
        let limit = fields.optionalPolicy("limit")
        try fields.finish()
        guard let email else { throw Refusal.defect }
        return IssueKey.Request(
            email: email, role: role, scopes: scopes, book: book, name: name, expiresAt: end, limit: limit)
    }

    private static func change(_ change: ChangeKeyLimit, _ call: Call) -> Work {
        .write { tenant, detail in
            let key = try change.run(tenant, &detail) { key in try KeyAnswers.guardOwnerKey(key, call) }
            return try .json { json in try encode(key, tenant, &json) }
        }
    }

    /// A key with whose it is.
    private static func encode(_ key: APIKey, _ tenant: TenantReader, _ json: inout JSONWriter) throws {
        KeyAnswers.encode(key, &json)
        json.field("owner_email", try tenant.account(id: key.accountID)?.email)
        json.field("reseller", try key.resellerID.flatMap { try tenant.reseller(id: $0) }?.publicID)
    }
}

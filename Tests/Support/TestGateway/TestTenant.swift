package import TenantApp
package import TenantRegistry

/// A tenant of a blueprint with its demo's people, and what they call. A value.
package struct TestTenant: Sendable {
    package let gateway: TestGateway
    package let record: TenantRecord
    package let ownerKey: String
    package let ownerEmail: String
    package let ownerPassword: String
    /// As the blueprint's demo has them.
    package let resellers: [FillDemo.MadeReseller]

    package var slug: String { record.slug }
    /// The first one is active and has a key (D2).
    package var reseller: FillDemo.MadeReseller { resellers[0] }
    package var key: String { resellers[0].key ?? "" }

    package func path(_ path: String) -> String { "/t/\(slug)\(path)" }

    /// The admin API as the owner; what moves money or stock has an Idempotency-Key of its own.
    @discardableResult
    package func asOwner(_ method: String, _ path: String, _ json: String? = nil) async throws -> TestResponse {
        var request = TestRequest(method, self.path("/api/admin\(path)"), json).bearer(ownerKey)
        if method == "POST" { request = request.idempotent("owner-\(gateway.next())") }
        return try await gateway.send(request)
    }

    /// A new key of an account's.
    package func mint(_ email: String, _ more: String = "") async throws -> (id: String, key: String) {
        let answer = try await asOwner("POST", "/api-keys", #"{"owner_email":"\#(email)"\#(more)}"#)
        guard let id = answer["id"], let key = answer["key"] else { throw TestGateway.Unexpected(answer) }
        return (id, key)
    }

    /// The provider's calls on this tenant.
    @discardableResult
    package func asProvider(_ method: String, _ path: String, _ json: String? = nil) async throws -> TestResponse {
        try await gateway.asProvider(method, "/tenants/\(slug)\(path)", json)
    }

    /// Something read from the file as it is, whatever state the tenant is in.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (TenantReader) throws -> Value
    ) async throws -> Value {
        try await gateway.read(record, body)
    }

    /// A number that SQL tells of the file.
    package func count(_ sql: String) async throws -> Int64 {
        try await read { try $0.connection.rows(dynamic: sql) { try $0.int() }.first ?? 0 }
    }
}

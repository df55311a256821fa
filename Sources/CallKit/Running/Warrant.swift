package import TenantRegistry

/// What a write was admitted on, judged anew inside the transaction that has the effect (G3). Whatever was suspended,
/// revoked, rotated or deleted since admission holds there, however long the body or the steps before it took.
///
/// A value made where the admission lives: the caller's by the keys, the provider's by the provider. Judged on the
/// tenant's lane, perhaps twice.
package struct Warrant: Sendable {
    private let judge: @Sendable (TenantReader) throws -> Void

    /// `judge` throws the `Refusal` that the caller is told.
    package init(_ judge: @escaping @Sendable (TenantReader) throws -> Void) { self.judge = judge }

    /// The node's own work, which nobody admitted.
    package static let node = Warrant { _ in }

    package func judge(_ tenant: TenantReader) throws { try judge(tenant) }
}

extension TenantRecord {
    /// Whether the tenant serves its resellers and operators now (P3, P4). A tenant that is being erased is unknown.
    package func judge(at now: Timestamp) throws(Refusal) {
        switch access(at: now) {
        case .open: break
        case .refused(let closure): throw .forbidden(.tenant(closure))
        case .unknown: throw .unknownCredential
        }
    }
}

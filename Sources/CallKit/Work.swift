package import Cryptography
package import TenantRegistry

/// What is left to do once a handler has read its call.
package enum Work: Sendable {
    case answer(Answer)
    /// Reads of the tenant's file, in its lane's batch.
    case read(@Sendable (TenantReader) throws -> Answer)
    /// Writes: all or nothing, with audit row, idempotency row and outbox rows.
    case write(@Sendable (TenantTransaction, inout AuditDetail) throws -> Answer)
    /// A write that has to be there before the work goes on, say before somebody outside is asked. Its audit row says
    /// 202; a stored answer of an earlier call is given in place of it, and nothing that it decides is stored: that is
    /// for the `write` at the end.
    case writeThen(@Sendable (TenantTransaction, inout AuditDetail) throws -> Work)
    /// First something long (scrypt, a large body) on the background pool.
    case background(@Sendable () throws -> Work)
    /// First the hash of a secret about to be minted goes to the registry (0004).
    case reserving([Digest], @Sendable (TenantTransaction, inout AuditDetail) throws -> Answer)
    /// A flow of its own that answers later; what it answers is audited as it comes.
    case later(@Sendable (_ answer: @escaping @Sendable (Result<LateAnswer, any Error>) -> Void) -> Void)
    /// The body comes piece by piece (`Route.Body.streamed`).
    case streamed(any BodyReader)
}

/// Takes a body that is too long to be held. Calls come one at a time, in order, on the pool for files; the last one is
/// `finish` or `abandon`.
package protocol BodyReader: AnyObject, Sendable {
    /// A failure is kept for `finish`: the client is heard to the end before it is answered.
    func take(_ piece: [UInt8])
    /// The body is complete. `answer` is called once, from any thread.
    func finish(_ answer: @escaping @Sendable (Result<LateAnswer, any Error>) -> Void)
    /// The rest never comes: nothing may stay.
    func abandon()
}

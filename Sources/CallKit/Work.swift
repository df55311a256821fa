package import Cryptography
package import HTTPCore
package import TenantRegistry

/// What is left to do once a handler has read its call.
package enum Work: Sendable {
    case answer(Answer)
    /// Reads of the tenant's file, in its lane's batch.
    case read(@Sendable (TenantReader) throws -> Answer)
    /// Writes: all or nothing, with audit row, stored answer and outbox rows.
    case write(TenantWrite.Effect<Answer>)
    /// The same, with more of the room above a full quota than its route's callers have (P2): by now it is known whose
    /// it is.
    case protect(PageReserve, TenantWrite.Effect<Answer>)
    /// Several steps, the last of which is the work that it returns. What it answers is audited as it comes.
    case flow(@Sendable (Steps) async throws -> Work)
    /// An answer whose body comes piece by piece; `length` where it is known.
    case stream(status: Int, headers: ResponseHeaders, body: any ResponseStream, length: Int?)
    /// The call's own body comes piece by piece (`Route.Body.pieces`).
    case streamed(any BodyReader)
    /// Another call, of an API, for the same caller: what pages' forms do.
    case inner(InnerCall)
}

extension Work {
    /// First the hash of a secret about to be minted goes to the registry. `reserve`: as `protect` has it.
    package static func reserving(
        _ hash: Digest, reserve: PageReserve? = nil, then effect: @escaping TenantWrite.Effect<Answer>
    ) -> Work {
        .flow { steps in
            try await steps.reserve(hash)
            return reserve.map { .protect($0, effect) } ?? .write(effect)
        }
    }

    /// First something long (scrypt, a large body) on the background pool.
    package static func background(_ next: @escaping @Sendable () throws -> Work) -> Work {
        .flow { steps in try await steps.background(next) }
    }

    /// First something that looks at files, on the pool for files.
    package static func files(_ next: @escaping @Sendable () throws -> Work) -> Work {
        .flow { steps in try await steps.files(next) }
    }
}

/// Takes a body that is too long to be held. Calls come one at a time, in order, on the pool for files; the last one is
/// `finish` or `abandon`.
package protocol BodyReader: AnyObject, Sendable {
    /// A failure is kept for `finish`: the client is heard to the end before it is answered.
    func take(_ piece: [UInt8])
    /// The body is complete: what is left to do.
    func finish() -> Work
    /// The rest never comes: nothing may stay.
    func abandon()
}

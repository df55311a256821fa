package import Cryptography
package import RateLimiter
package import SQLite

/// What columns of a tenant's file and of the registry stand for.
extension RowReader {
    package mutating func time() throws -> Timestamp { Timestamp(milliseconds: try int()) }

    package mutating func optionalTime() throws -> Timestamp? { try optionalInt().map { Timestamp(milliseconds: $0) } }

    package mutating func digest() throws -> Digest { try blob(as: Digest.init(bytes:)) }

    package mutating func tenantID() throws -> TenantID { try blob(as: TenantID.init(bytes:)) }

    package mutating func requestID() throws -> RequestID { try blob(as: RequestID.init(bytes:)) }

    /// Three columns: requests, window, burst.
    package mutating func policy() throws -> Policy {
        let (requests, window, burst) = (try int(), try int(), try int())
        guard let policy = Policy(requests: Int(requests), windowSeconds: Int(window), burst: Int(burst)) else {
            throw corrupt()
        }
        return policy
    }

    /// The same where the first may be NULL: no policy then.
    package mutating func optionalPolicy() throws -> Policy? {
        guard isNextNull else { return try policy() }
        skip(3)
        return nil
    }
}

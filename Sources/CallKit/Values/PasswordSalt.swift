import Cryptography
package import TenantRegistry

/// A salt that is made for one thing, a link or an account, under the tenant's key (0062). A form that is sent twice
/// brings the same password twice: with the same salt both have one hash, and a hash says which link it was set by. A
/// value: any thread.
package struct PasswordSalt: Sendable {
    package let bytes: [UInt8]

    /// `purpose`: what it is for, and nothing else ever is.
    package init(for purpose: String, in tenant: TenantReader) {
        let code = HMACSHA256.code(
            key: tenant.store.secretKey, tenant.tenantID.bytes, Array("password-salt:\(purpose)".utf8))
        bytes = Array(code.bytes.prefix(Scrypt.saltBytes))
    }

    /// Whether a password's hash was made with it.
    package func isOf(_ hash: String) -> Bool { Scrypt.salt(of: hash) == bytes }
}

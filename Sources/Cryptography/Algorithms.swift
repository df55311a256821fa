import COpenSSL

/// Algorithms looked up once: a look-up takes a lock and a search by name, as long as hashing a kilobyte.
///
/// `@unchecked Sendable`: fetched objects are never written after `init`, and OpenSSL counts references to them
/// atomically.
final class Algorithms: @unchecked Sendable {
    static let shared = Algorithms()

    let aes256GCM: OpaquePointer

    private init() {
        aes256GCM = required(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil), "fetch AES-256-GCM")
    }
}

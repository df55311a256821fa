import COpenSSL

/// Settings of the OpenSSL library itself.
package enum OpenSSLLibrary {
    /// Before the library's first use, on the main thread: at the process's end it is not torn down under threads that
    /// still use it, which could end an orderly stop with a crash.
    package static func start() { OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) }
}

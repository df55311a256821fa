import COpenSSL

/// What libcrypto refused: the operation and OpenSSL's own reason. Never holds a key, a password or a message.
package struct CryptographyError: Error, Sendable, Equatable, CustomStringConvertible {
    package let operation: String
    package let reason: String

    package init(operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }

    package var description: String { "\(operation): \(reason)" }

    /// Takes the oldest error of this thread's OpenSSL queue and empties the queue, so that no later call reports it.
    static func last(_ operation: String) -> CryptographyError {
        let code = ERR_get_error()
        ERR_clear_error()
        let reason = code == 0 ? nil : ERR_reason_error_string(code)
        return CryptographyError(operation: operation, reason: reason.map { String(cString: $0) } ?? "failed")
    }
}

/// For calls that fail only where memory is exhausted or the library is broken: the process must not go on without
/// them.
func required<T>(_ value: T?, _ operation: String) -> T {
    guard let value else { fatalError(CryptographyError.last(operation).description) }
    return value
}

func require(_ status: Int32, _ operation: String) {
    if status != 1 { fatalError(CryptographyError.last(operation).description) }
}

extension [UInt8] {
    /// A pointer that is never nil, as OpenSSL reads a nil key or input as "not given" even where its length is 0.
    func withInput<R>(_ body: (UnsafePointer<UInt8>, Int) throws -> R) rethrows -> R {
        if isEmpty { return try withUnsafePointer(to: 0) { try body($0, 0) } }
        return try withUnsafeBufferPointer { try body($0.baseAddress.unsafelyUnwrapped, $0.count) }
    }
}

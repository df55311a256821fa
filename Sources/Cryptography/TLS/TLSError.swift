import COpenSSL

/// Why a certificate cannot serve.
package enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be read.
    case unreadable(String)
    /// OpenSSL's words.
    case invalid(String)
    /// The same of the private key.
    case invalidKey(String)

    package var description: String {
        switch self {
        case .unreadable(let path): "cannot read \(path)"
        case .invalid(let reason), .invalidKey(let reason): reason
        }
    }

    /// What the thread's error queue says last; empties it.
    static func last(_ what: String) -> TLSError {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return .invalid(what) }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        let words = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return .invalid("\(what): \(words)")
    }
}

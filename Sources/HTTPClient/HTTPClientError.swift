/// Why no answer came. Never holds the bearer token, a header or a body.
package enum HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The request cannot be sent as it was asked for: an address, method, path or header that is not allowed.
    case invalidRequest(String)
    /// Nobody answers at the address; nothing was sent.
    case unreachable(String)
    /// Its name stands for an address that may not be called; nothing was sent.
    case addressNotAllowed
    /// The server's certificate was not accepted; nothing was sent.
    case untrusted(String)
    case timedOut
    /// The answer's body is longer than the caller takes.
    case responseTooLong(bytesMax: Int)
    /// A file to send could not be read, or one to write could not be written.
    case file(path: String, reason: String)
    /// The responder broke off. The server may have acted on the request.
    case broken(String)

    package var description: String {
        switch self {
        case .invalidRequest(let reason): "the request is not valid: \(reason)"
        case .unreachable(let reason): "cannot be reached: \(reason)"
        case .addressNotAllowed: "its address may not be called"
        case .untrusted(let reason): "the certificate is not trusted: \(reason)"
        case .timedOut: "no answer in time"
        case .responseTooLong(let bytesMax): "the answer is longer than \(bytesMax) bytes"
        case .file(let path, let reason): "\(path): \(reason)"
        case .broken(let reason): "the connection broke off: \(reason)"
        }
    }
}

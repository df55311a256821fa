/// An answer as it came, redirects included: they are not followed.
package struct HTTPClientResponse: Sendable {
    package let status: Int
    /// In the order in which they came; names as sent.
    package let headers: [(name: String, value: String)]
    /// Empty where the body went to a file.
    package let body: [UInt8]

    /// The first field of this name, in any case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var isSuccess: Bool { (200..<300).contains(status) }
}

package enum RequestBody: Sendable {
    case none
    case bytes([UInt8])
    /// Streamed from a file, with its length at the start.
    case file(path: String)
}

package enum ResponseSink {
    case memory(bytesMax: Int)
    /// A 2xx answer's body is streamed to a file beside `path`, synced and given its name when it is whole; until then
    /// what lies at `path` stays. Any other answer's body goes to memory. `progress` is told the bytes so far and,
    /// where the server announced it, how many there will be.
    case file(path: String, progress: ((_ received: Int64, _ total: Int64?) -> Void)? = nil)
    /// A 2xx answer's body is handed over as it comes; what the closure throws ends the call and is thrown.
    case stream((UnsafeRawBufferPointer) throws -> Void)
}

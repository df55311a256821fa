/// Why bytes could not be compressed or read back. Never holds any of them.
package enum CompressionError: Error, Sendable, Equatable {
    /// More than the caller allows: a small file may claim to be a huge one.
    case tooLong(bytesMax: Int)
    /// Not of the format, damaged, cut off, or followed by something else.
    case damaged
    case noMemory
}

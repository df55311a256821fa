/// zlib's own container (RFC 1950) of bytes in memory: 6 bytes around the data, for blocks of the audit log. Any
/// thread.
package enum Deflate {
    /// `level` is 1 (fast) to 9 (small), 0 stores. At most 1 GiB.
    package static func compress(_ bytes: [UInt8], level: Int32 = 6) throws(CompressionError) -> [UInt8] {
        try Deflater.whole(bytes, level: level, .zlib)
    }

    /// One stream and nothing after it, of at most `bytesMax` bytes once read.
    package static func decompress(_ bytes: [UInt8], bytesMax: Int) throws(CompressionError) -> [UInt8] {
        try Inflater.whole(bytes, bytesMax: bytesMax, .zlib)
    }
}

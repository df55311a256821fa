import CZlib

/// gzip (RFC 1952) of whole byte arrays, by zlib. No state; any thread.
package enum Gzip {
    /// zlib's status code.
    package struct Failure: Error { package let code: Int32 }

    /// `level` 1 (fast) to 9 (tight).
    package static func compress(_ bytes: [UInt8], level: Int32 = 6) throws -> [UInt8] {
        var stream = z_stream()
        // 15 bits of window, and 16 for a gzip rather than a zlib frame.
        let opened = deflateInit2_(
            &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        guard opened == Z_OK else { throw Failure(code: opened) }
        defer { deflateEnd(&stream) }
        var input = bytes
        let capacity = Int(deflateBound(&stream, UInt(bytes.count)))
        var code = Z_OK
        let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(capacity)
                code = deflate(&stream, Z_FINISH)
                count = capacity - Int(stream.avail_out)
            }
        }
        guard code == Z_STREAM_END else { throw Failure(code: code) }
        return output
    }
}

import CZlib

/// Reads one whole zlib or gzip stream, with a bound on what comes out of it. Any thread.
enum Inflater {
    static func whole(
        _ bytes: [UInt8], bytesMax: Int, _ container: Container
    ) throws(CompressionError) -> [UInt8] {
        guard bytes.count <= inputBytesMax else { throw .tooLong(bytesMax: inputBytesMax) }
        // zlib's state points back to the stream, so it must not move.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer {
            inflateEnd(stream)
            stream.deallocate()
        }
        guard tollgate_inflate_start(stream, container.rawValue) == Z_OK else { throw .noMemory }
        var output: [UInt8] = []
        let result: Result<Void, CompressionError> = bytes.withUnsafeBufferPointer { input in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(input.count)
            let capacity = min(chunkBytes, max(64, input.count * 4))
            while true {
                var status = Z_OK
                output += [UInt8](unsafeUninitializedCapacity: capacity) { room, count in
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(capacity)
                    status = inflate(stream, Z_NO_FLUSH)
                    count = capacity - Int(stream.pointee.avail_out)
                }
                if output.count > bytesMax { return .failure(.tooLong(bytesMax: bytesMax)) }
                switch status {
                case Z_OK: continue
                // A second stream behind the first would be read by some and not by others.
                case Z_STREAM_END: return stream.pointee.avail_in == 0 ? .success(()) : .failure(.damaged)
                case Z_MEM_ERROR: return .failure(.noMemory)
                // Z_BUF_ERROR among them: the input ended before its stream.
                default: return .failure(.damaged)
                }
            }
        }
        try result.get()
        return output
    }
}

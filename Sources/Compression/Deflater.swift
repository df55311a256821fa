import CZlib

/// The two containers that we write, as zlib's window bits name them.
enum Container: Int32 {
    case zlib = 15
    case gzip = 31
}

/// What one call takes: zlib counts in UInt32.
let inputBytesMax = 1 << 30
let chunkBytes = 64 << 10

/// One zlib stream that compresses. One owner at a time.
///
/// Invariant: the stream keeps its address, as zlib's state points back to it.
final class Deflater {
    private let stream: UnsafeMutablePointer<z_stream>

    init(level: Int32, _ container: Container) throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard tollgate_deflate_start(stream, level, container.rawValue) == Z_OK else { throw .noMemory }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Bytes that are enough for what `count` bytes compress to in one go.
    func bound(_ count: Int) -> Int { Int(deflateBound(stream, UInt(count))) }

    /// Takes all of the input; gives what has become ready. `capacity` is the room that each round makes. Cannot fail:
    /// all memory was given at the start.
    func run(_ bytes: [UInt8], isLast: Bool, capacity: Int) -> [UInt8] {
        var output: [UInt8] = []
        bytes.withUnsafeBufferPointer { input in
            // zlib only reads its input; the pointer's type is older than const.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(input.count)
            repeat {
                let round = [UInt8](unsafeUninitializedCapacity: capacity) { room, count in
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(capacity)
                    deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    count = capacity - Int(stream.pointee.avail_out)
                }
                if output.isEmpty { output = round } else { output += round }
            } while stream.pointee.avail_out == 0
        }
        // Both were lent for this call.
        (stream.pointee.next_in, stream.pointee.next_out) = (nil, nil)
        return output
    }

    /// All of a stream in one go.
    static func whole(_ bytes: [UInt8], level: Int32, _ container: Container) throws(CompressionError) -> [UInt8] {
        guard bytes.count <= inputBytesMax else { throw .tooLong(bytesMax: inputBytesMax) }
        let deflater = try Deflater(level: level, container)
        return deflater.run(bytes, isLast: true, capacity: deflater.bound(bytes.count) + 1)
    }
}

import CLZ4

/// LZ4's block format, for what is written at each commit: some 3 µs for 4 KiB, where zlib at its fastest takes 60. A
/// block says nothing of its own length, before or after. Any thread.
package enum LZ4 {
    /// What one call takes.
    package static let bytesMax = Int(LZ4_MAX_INPUT_SIZE)

    /// The bytes written to `out`; nil where it has too little room, or there are more than `bytesMax`.
    package static func compress(_ bytes: UnsafeRawBufferPointer, to out: UnsafeMutableRawBufferPointer) -> Int? {
        guard bytes.count <= bytesMax else { return nil }
        let written = LZ4_compress_default(
            bytes.characters, out.characters, Int32(bytes.count), Int32(clamping: out.count))
        return written > 0 ? Int(written) : nil
    }

    /// Fills `out`. Throws `.damaged` where the block is none, or gives fewer bytes, or more.
    package static func decompress(
        _ block: UnsafeRawBufferPointer, to out: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) {
        let written = LZ4_decompress_safe(
            block.characters, out.characters, Int32(clamping: block.count), Int32(clamping: out.count))
        guard Int(written) == out.count else { throw .damaged }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate var characters: UnsafeMutablePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}

/// gzip piece by piece: exports and archives, whose length nobody knows yet.
///
/// Invariant: all pieces given back, one after another, are one gzip file once `finish` has been called; after that the
/// stream is at its end. One owner at a time.
package final class GzipStream {
    private let deflater: Deflater
    private var isFinished = false

    /// `level` is 1 (fast) to 9 (small). Stops the program where there is no memory for it, as an array does.
    package init(level: Int32 = 6) {
        do { deflater = try Deflater(level: level, .gzip) } catch { fatalError("gzip: \(error)") }
    }

    /// Takes a piece of at most 1 GiB; gives back what has become ready, often nothing.
    package func append(_ bytes: [UInt8]) -> [UInt8] {
        precondition(
            !isFinished && bytes.count <= inputBytesMax, "a piece lies within the file and within zlib's count")
        return bytes.isEmpty ? [] : deflater.run(bytes, isLast: false, capacity: chunkBytes)
    }

    /// The last piece; a second call gives nothing.
    package func finish() -> [UInt8] {
        if isFinished { return [] }
        isFinished = true
        return deflater.run([], isLast: true, capacity: chunkBytes)
    }
}

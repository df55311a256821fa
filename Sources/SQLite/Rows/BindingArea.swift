/// Where the text and blobs of running statements lie, so that SQLite need not copy each into memory of its own.
/// Statements end in the reverse order of their start, so a mark taken before and restored after is all it takes.
///
/// Invariant: bytes below `used` belong to running statements and do not move. Owned by one Connection, on its thread.
struct BindingArea: ~Copyable {
    static let bytesMax = 16 << 10

    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytesMax, alignment: 8)
    private(set) var used = 0

    /// The bytes at their place in the area; nil where they do not fit.
    mutating func place(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
        guard bytes.count <= memory.count - used, let base = memory.baseAddress else { return nil }
        let target = base + used
        if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
        used += bytes.count
        return UnsafeRawPointer(target)
    }

    mutating func restore(_ mark: Int) { used = mark }

    deinit { memory.deallocate() }
}

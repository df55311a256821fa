import Glibc
import HTTPCore

/// Bytes of answers on their way to one socket, gathered so that a batch of them is one system call. Grows as needed
/// and is used again; owned by one loop.
final class OutputBuffer {
    private(set) var count = 0
    private var capacity = 16 * 1024
    private var storage: UnsafeMutablePointer<UInt8>

    init() { storage = .allocate(capacity: capacity) }

    deinit { storage.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: count) }

    func removeAll() { count = 0 }

    func append(_ bytes: UnsafePointer<UInt8>, _ added: Int) {
        reserve(added)
        memcpy(storage + count, bytes, added)
        count += added
    }

    func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

    func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { append(base, $0.count) } }
    }

    func append(decimal value: Int) {
        reserve(20)
        var digits = 1
        var power = value
        while power >= 10 {
            power /= 10
            digits += 1
        }
        var rest = value
        for place in stride(from: count + digits - 1, through: count, by: -1) {
            storage[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }

    func append(hex value: Int) {
        for shift in stride(
            from: (max(value, 1).bitWidth - 1 - max(value, 1).leadingZeroBitCount) / 4 * 4, through: 0, by: -4)
        {
            let digit = UInt8(truncatingIfNeeded: value >> shift & 0xF)
            reserve(1)
            storage[count] = digit < 10 ? 0x30 + digit : 0x61 + digit - 10
            count += 1
        }
    }

    private func reserve(_ added: Int) {
        if count + added <= capacity { return }
        capacity = max(capacity * 2, count + added)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        memcpy(grown, storage, count)
        storage.deallocate()
        storage = grown
    }
}

/// What a socket has not taken yet, in order. Owned by its connection's loop.
struct OutputQueue {
    private var segments: [[UInt8]] = []
    private var next = 0
    private var offset = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: [UInt8], from start: Int = 0) {
        if start >= bytes.count { return }
        if segments.isEmpty { offset = start }
        // Only the first segment may begin late.
        segments.append(segments.isEmpty || start == 0 ? bytes : Array(bytes[start...]))
        count += bytes.count - start
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) { append([UInt8](bytes)) }

    func withFirst<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        segments[next].withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    mutating func removeFirst(_ taken: Int) {
        count -= taken
        offset += taken
        if offset < segments[next].count { return }
        offset = 0
        segments[next] = []
        next += 1
        if next == segments.count {
            segments.removeAll()
            next = 0
        }
    }
}

import Glibc
import Synchronization

/// Memory for pages, handed out in chunks, and the count of what is out. Any thread.
enum PagePool {
    static let chunkPages = 16
    static let chunkBytes = chunkPages * Connection.pageBytes
    /// Chunks that wait for their next use; what is more goes back to the system.
    private static let keptMax = 128

    static let bytesOut = Atomic<Int>(0)
    private static let free = Mutex<[UInt]>([])

    /// nil: the system has none left.
    static func take() -> UnsafeMutableRawPointer? {
        let known = free.withLock { $0.popLast() }.flatMap(UnsafeMutableRawPointer.init(bitPattern:))
        guard let chunk = known ?? map() else { return nil }
        bytesOut.add(chunkBytes, ordering: .relaxed)
        return chunk
    }

    static func give(_ chunk: UnsafeMutableRawPointer) {
        bytesOut.subtract(chunkBytes, ordering: .relaxed)
        let isKept = free.withLock { free in
            guard free.count < keptMax else { return false }
            free.append(UInt(bitPattern: chunk))
            return true
        }
        if !isKept { munmap(chunk, chunkBytes) }
    }

    private static func map() -> UnsafeMutableRawPointer? {
        let memory = mmap(nil, chunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return memory == MAP_FAILED ? nil : memory
    }
}

/// The pages of one owner, on its thread. What it has goes back as a whole.
struct PageArena: ~Copyable {
    private var chunks: [UnsafeMutableRawPointer] = []
    private var free: [UnsafeMutableRawPointer] = []

    init() {}

    deinit { for chunk in chunks { PagePool.give(chunk) } }

    var bytes: Int { chunks.count * PagePool.chunkBytes }

    /// A page with any content; nil: the system has no memory left.
    mutating func take() -> UnsafeMutableRawPointer? {
        if let page = free.popLast() { return page }
        guard let chunk = PagePool.take() else { return nil }
        chunks.append(chunk)
        for page in (1..<PagePool.chunkPages).reversed() { free.append(chunk + page * Connection.pageBytes) }
        return chunk
    }

    mutating func give(_ page: UnsafeMutableRawPointer) { free.append(page) }

    mutating func giveAll() {
        for chunk in chunks { PagePool.give(chunk) }
        chunks = []
        free = []
    }
}

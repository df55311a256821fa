import Foundation
package import TenantRegistry

/// The machine's disk, on which syncs of the node's log wait, or fail, while the test says so. Any thread.
///
/// `@unchecked Sendable`: what changes is touched under `condition` only.
package final class HeldLogDisk: LogDisk, @unchecked Sendable {
    private let real = RealLogDisk()
    private let condition = NSCondition()
    private var isHeld = false
    private var fails = false

    package init() {}

    /// Nothing becomes durable from here on.
    package func hold() { change { $0.isHeld = true } }

    /// What waits goes on, and so does all that follows.
    package func release() { change { ($0.isHeld, $0.fails) = (false, false) } }

    /// What waits fails, and so does all that follows.
    package func fail() { change { ($0.isHeld, $0.fails) = (false, true) } }

    private func change(_ body: (HeldLogDisk) -> Void) {
        condition.lock()
        body(self)
        condition.broadcast()
        condition.unlock()
    }

    private func pass() throws(LogDiskError) {
        condition.lock()
        while isHeld { condition.wait() }
        let fails = fails
        condition.unlock()
        if fails { throw LogDiskError("log", EIO) }
    }

    package func sync(_ file: Int32) throws(LogDiskError) {
        try pass()
        try real.sync(file)
    }

    package func names(in folder: String) throws(LogDiskError) -> [String] { try real.names(in: folder) }
    package func size(_ path: String) throws(LogDiskError) -> Int { try real.size(path) }
    package func open(_ path: String, isNew: Bool) throws(LogDiskError) -> Int32 { try real.open(path, isNew: isNew) }
    package func close(_ file: Int32) { real.close(file) }
    package func rename(_ from: String, to: String) throws(LogDiskError) { try real.rename(from, to: to) }
    package func remove(_ path: String) throws(LogDiskError) { try real.remove(path) }
    package func sync(folder: String) throws(LogDiskError) {
        try pass()
        try real.sync(folder: folder)
    }

    package func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogDiskError) {
        try real.write(file, bytes, at: offset)
    }

    package func read(
        _ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(LogDiskError) -> Int {
        try real.read(file, buffer, at: offset)
    }
}

/// The header fields that a head may carry once, since they are credentials: of two, one reader might take the first
/// and another the last. Told to the server at its start by whoever reads them. Compared without regard to case.
package struct SingleFields: Sendable {
    /// Lower case, each once.
    private let names: [[UInt8]]
    /// Bit n: one of them is n bytes long. Most fields of most heads are told apart by this alone.
    private let lengths: UInt64

    /// At most 32 names of at most 63 bytes.
    package init(_ names: some Sequence<String>) {
        self.names = Set(names.map { Array($0.lowercased().utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
        precondition(self.names.count <= 32 && self.names.allSatisfy { $0.count < 64 }, "too many or too long names")
        lengths = self.names.reduce(0) { $0 | 1 << UInt64($1.count) }
    }

    /// A number below 32 of its own; nil for any other field.
    @inline(__always)
    func index(of name: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        guard count < 64, lengths & 1 << UInt64(count) != 0 else { return nil }
        return find(name, count)
    }

    private func find(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        names.firstIndex { candidate in
            guard candidate.count == count else { return false }
            for index in 0..<count {
                let byte = name[index]
                if (byte &- 0x41 < 26 ? byte | 0x20 : byte) != candidate[index] { return false }
            }
            return true
        }
    }
}

import Testing

@testable import SQLite

@Suite struct PackedCommitTests {
    /// A commit of so many zeros as LZ4 packs them: one, then a match of all but the last five.
    private func zeros(_ count: Int) -> [UInt8] {
        let more = count - 1 - 5 - 19
        let match = [UInt8](repeating: 0xFF, count: more / 255) + [UInt8(more % 255)]
        let block: [UInt8] = [0x1F, 0, 1, 0] + match + [0x50, 0, 0, 0, 0, 0]
        let length = (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
        return [0xFF, 0xFF, 0xFF, 0xFF] + length + block
    }

    /// Of what it hands out.
    private func opened(_ packed: [UInt8]) throws -> Int? {
        var count: Int?
        try packed.withUnsafeBytes { bytes in
            try PackedCommit.open(bytes) { commit throws(SQLiteError) in count = commit.count }
        }
        return count
    }

    @Test("B1 a packed commit that claims more than any that is packed takes no memory, however well its block fits")
    func tooLong() throws {
        #expect(try opened(zeros(1 << 20)) == 1 << 20)
        #expect(throws: SQLiteError.self) { try opened(zeros(PackedCommit.bytesMax + 1)) }
    }
}

import Compression
import Testing

@Suite("LZ4")
struct LZ4Tests {
    @Test(
        "what was compressed comes back, in the room that the format asks for, and in no other number of bytes",
        arguments: [0, 1, 12, 13, 300, 65_536, 1_000_000])
    func roundTrip(count: Int) throws {
        for bytes in [CompressionTests.sample(count), .init(repeating: 7, count: count)] {
            let block = try #require(Self.compress(bytes, room: count + count / 255 + 16))
            #expect(try Self.decompress(block, count: count) == bytes)
            #expect(throws: CompressionError.damaged) { try Self.decompress(block, count: count + 1) }
            if count > 0 {
                #expect(throws: CompressionError.damaged) { try Self.decompress(block, count: count - 1) }
                #expect(throws: CompressionError.damaged) { try Self.decompress(block.dropLast(), count: count) }
            }
        }
    }

    @Test("where the room is too small there is no block, rather than half of one")
    func noRoom() {
        #expect(Self.compress((0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 >> 3) }, room: 40) == nil)
    }

    private static func compress(_ bytes: [UInt8], room: Int) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: room)
        let length = bytes.withUnsafeBytes { bytes in out.withUnsafeMutableBytes { LZ4.compress(bytes, to: $0) } }
        return length.map { Array(out[..<$0]) }
    }

    private static func decompress(_ block: [UInt8], count: Int) throws -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count)
        try block.withUnsafeBytes { block in
            try out.withUnsafeMutableBytes { try LZ4.decompress(block, to: $0) }
        }
        return out
    }
}

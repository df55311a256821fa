import Compression
import Foundation
import TestPrograms
import Testing

@Suite("Compression")
struct CompressionTests {
    /// Bytes that compress, of any length, with lengths around the chunk's edges.
    static func sample(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) } }

    @Test(
        "what was compressed comes back, in both containers and at every level",
        arguments: [0, 1, 100, 65_535, 65_536, 65_537, 1_000_000])
    func roundTrip(count: Int) throws {
        let bytes = Self.sample(count)
        for level in [Int32(0), 1, 6, 9] {
            let gzip = try Gzip.compress(bytes, level: level)
            #expect(gzip.starts(with: [0x1F, 0x8B]))
            #expect(try Gzip.decompress(gzip, bytesMax: bytes.count) == bytes)
            let zlib = try Deflate.compress(bytes, level: level)
            #expect(zlib.first == 0x78)
            #expect(try Deflate.decompress(zlib, bytesMax: bytes.count) == bytes)
        }
    }

    @Test("the gzip command reads what we write")
    func command() throws {
        let process = Program()
        process.arguments = ["gzip", "-dc"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(Data(try Gzip.compress([UInt8]("a line\n".utf8))))
        try input.fileHandleForWriting.close()
        #expect(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "a line\n")
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("a small file that claims to be a huge one is given up at the bound")
    func bomb() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 10 << 20))
        #expect(bomb.count < 20_000)
        #expect(throws: CompressionError.tooLong(bytesMax: 1 << 20)) { try Gzip.decompress(bomb, bytesMax: 1 << 20) }
        #expect(throws: CompressionError.tooLong(bytesMax: 9)) {
            try Deflate.decompress(Deflate.compress([UInt8](0..<10)), bytesMax: 9)
        }
    }

    @Test("cut off, altered, followed by more or of the other container: damaged, never a part of the truth")
    func damage() throws {
        let bytes = [UInt8]("some text that is compressed, some text that is not".utf8)
        for (file, read) in [
            (try Gzip.compress(bytes), { try Gzip.decompress($0, bytesMax: 1000) }),
            (try Deflate.compress(bytes), { try Deflate.decompress($0, bytesMax: 1000) }),
        ] as [([UInt8], ([UInt8]) throws -> [UInt8])] {
            for count in 0..<file.count {
                #expect(throws: CompressionError.damaged) { try read([UInt8](file[..<count])) }
            }
            #expect(throws: CompressionError.damaged) { try read(file + [0]) }
            #expect(throws: CompressionError.damaged) { try read(file + file) }
            var altered = file
            altered[file.count - 6] ^= 1
            #expect(throws: CompressionError.damaged) { try read(altered) }
        }
        #expect(throws: CompressionError.damaged) { try Gzip.decompress(Deflate.compress(bytes), bytesMax: 1000) }
    }
}

import Foundation
import FuzzTargets
import TestSeeds
import Testing

/// The fuzz targets on their corpus and on seeded mutations of it: the same inputs in every run, a few seconds in all.
@Suite struct FuzzTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/Corpus")
    private static let mutationsPerTarget = 4_000
    private static let mutationsOfPages = 40
    private static let inputBytesMax = 8_192

    private static func seeds(_ target: FuzzTarget) throws -> [[UInt8]] {
        let folder = corpus.appending(path: target.rawValue)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }

    @Test("G6 every input of the corpus, found ones too, keeps its reader's properties", arguments: FuzzTarget.allCases)
    func corpus(_ target: FuzzTarget) throws {
        let seeds = try Self.seeds(target)
        #expect(!seeds.isEmpty)
        for seed in seeds { #expect(throws: Never.self) { try target.check(seed) } }
    }

    @Test("G6 seeded mutations neither trap a reader nor break its properties", arguments: FuzzTarget.allCases)
    func mutations(_ target: FuzzTarget) throws {
        let seeds = try Self.seeds(target)
        var draw = Seeded(state: 20)
        // Each looks at three whole files.
        for _ in 0..<(target == .pages ? Self.mutationsOfPages : Self.mutationsPerTarget) {
            let input = mutated(seeds, &draw)
            #expect(throws: Never.self, "\(target) \(input)") { try target.check(input) }
        }
    }

    private func mutated(_ seeds: [[UInt8]], _ draw: inout Seeded) -> [UInt8] {
        let telling: [UInt8] = [
            0x00, 0x09, 0x0A, 0x0D, 0x20, 0x22, 0x25, 0x2C, 0x30, 0x3A, 0x3B, 0x5C, 0x7F, 0x80, 0xFF,
        ]
        var bytes = seeds[draw.below(seeds.count)]
        for _ in 0...draw.below(5) {
            let at = draw.below(bytes.count + 1)
            switch draw.below(7) {
            case 0: if at < bytes.count { bytes[at] ^= 1 << UInt8(draw.below(8)) }
            case 1: if at < bytes.count { bytes[at] = telling[draw.below(telling.count)] }
            case 2: bytes.insert(telling[draw.below(telling.count)], at: at)
            case 3: if at < bytes.count { bytes.removeSubrange(at..<min(bytes.count, at + 1 + draw.below(8))) }
            case 4:
                let from = draw.below(bytes.count + 1)
                let piece = bytes[from..<min(bytes.count, from + draw.below(16))]
                bytes.insert(contentsOf: piece, at: at)
            case 5:
                let other = seeds[draw.below(seeds.count)]
                bytes = Array(bytes[..<at]) + other[min(other.count, draw.below(other.count + 1))...]
            default: bytes.insert(UInt8(truncatingIfNeeded: draw.next()), at: at)
            }
        }
        return Array(bytes.prefix(Self.inputBytesMax))
    }
}

import Cryptography
import Foundation
import Provider
import TenantRegistry
import Testing

@Suite("The archive of a node's backups")
struct ArchiveTests {
    private let key = ArchiveKey(of: [UInt8](repeating: 5, count: 32))
    private let id = TenantID.random(SeededRandom(seed: 1))

    private func folder(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "tollgate-archive-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test("P11 B3 an object is named by place and content: the same bytes there are the same object")
    func names() throws {
        let place = ArchivePlace.pages(of: ArchivePlace.tenant(id), 3)
        let one = try key.seal([1, 2, 3], at: place)
        #expect(try key.seal([1, 2, 3], at: place) == one)
        #expect(one.name.hasPrefix("tenants/\(id.text)/pages/00000003-"))
        #expect(try key.seal([1, 2, 4], at: place).name != one.name)
        #expect(try key.open(one.bytes, one.name) == [1, 2, 3])
        let elsewhere = one.name.replacing("00000003", with: "00000004")
        #expect(throws: ArchiveFailure.damaged(elsewhere)) { try key.open(one.bytes, elsewhere) }
        let other = ArchiveKey(of: [UInt8](repeating: 6, count: 32))
        #expect(throws: ArchiveFailure.damaged(one.name)) { try other.open(one.bytes, one.name) }
        #expect(try other.seal([1, 2, 3], at: place).name != one.name)
    }

    @Test("P11 a piece that an index names at another than its place is not put in")
    func places() throws {
        try folder { path in
            let archive = try ArchiveFolder(writing: path)
            let owner = ArchivePlace.tenant(id)
            let pieces = try (0..<2).map { try key.seal([UInt8($0)], at: ArchivePlace.pages(of: owner, $0)) }
            for piece in pieces { #expect(try !archive.write(piece.name, piece.bytes)) }
            for (order, isGood) in [([0, 1], true), ([1, 0], false), ([0, 0], false)] {
                let index = try key.seal(
                    ArchiveIndex(bytes: 2, pieces: order.map { pieces[$0].name }).json,
                    at: ArchivePlace.index(of: owner))
                _ = try archive.write(index.name, index.bytes)
                let target = path + "/file"
                if isGood {
                    try archive.assemble(index.name, under: key, to: target)
                    #expect(FileManager.default.contents(atPath: target) == Data([0, 1]))
                } else {
                    #expect(throws: ArchiveFailure.damaged(index.name)) {
                        try archive.assemble(index.name, under: key, to: target)
                    }
                }
            }
        }
    }

    @Test("P11 a name that leads out of the archive is none")
    func hostileNames() throws {
        for name in [
            "../x", "tenants/../../x", "/etc/passwd", "tenants//x", "x", "tenants/x/y/z/a/b", "a/b\0c", "a/.b",
        ] {
            #expect(!ArchivePlace.isName(name))
        }
        try folder { path in
            let archive = try ArchiveFolder(writing: path)
            #expect(throws: ArchiveFailure.damaged("../x")) { try archive.write("../x", [1]) }
        }
    }

    @Test("P11 one backup at a time is written into a folder, and none into one that is no archive")
    func folders() throws {
        try folder { path in
            let first = try ArchiveFolder(writing: path)
            #expect(throws: DataDirectory.Failure.self) { try ArchiveFolder(writing: path) }
            #expect(first.manifests.isEmpty)
            #expect(throws: ArchiveFailure.noManifest) {
                try first.open(nil, by: .masterKey([UInt8](repeating: 0, count: 32)))
            }
        }
        try folder { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/x"))
            #expect(throws: ArchiveFailure.noArchive(path)) { try ArchiveFolder(writing: path) }
            try Data("tollgate-archive 2\n".utf8).write(to: URL(fileURLWithPath: path + "/FORMAT"))
            #expect(throws: ArchiveFailure.newer) { try ArchiveFolder(writing: path) }
        }
    }

    @Test("P11 frames come out whole, however the bytes are cut, and what is no frame is refused")
    func frames() throws {
        let sent = [
            BackupFrame(.tenant, "acme", Array("12".utf8)),
            BackupFrame(.object, "registry/pages/00000000-ab", [1, 2, 3]),
            BackupFrame(.manifest, "manifests/x", []),
        ]
        let bytes = sent.flatMap(\.bytes)
        for size in [1, 2, 7, 1_000] {
            var reader = BackupFrameReader()
            var got: [BackupFrame] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                got += try Array(rest.prefix(size)).withUnsafeBytes { try reader.take($0) }
                rest = rest.dropFirst(size)
            }
            #expect(got == sent)
            #expect(reader.isEmpty)
        }
        for bad in [[UInt8](repeating: 9, count: 9), [1] + [UInt8](repeating: 255, count: 8)] {
            var reader = BackupFrameReader()
            #expect(throws: ArchiveFailure.self) { try bad.withUnsafeBytes { try reader.take($0) } }
        }
    }

    @Test("P11 a manifest opens by passphrase and by master key, and not once a bit of it changed")
    func manifests() throws {
        let master = SeededRandom(seed: 2).bytes(32)
        let words = try #require(Passphrase("the words of this test"))
        let wrapped = try ArchiveManifest.wrap(master, words, random: SeededRandom(seed: 4))
        let manifest = ArchiveManifest(startedAt: Timestamp(milliseconds: 1_700_000_000_000))
        let (name, bytes) = try manifest.sealed(under: ArchiveKey(of: master), wrappedMasterKey: wrapped)
        #expect(try ArchiveManifest.open(bytes, name, by: .passphrase(words)).masterKey == master)
        #expect(try ArchiveManifest.open(bytes, name, by: .masterKey(master)).manifest.startedAt == manifest.startedAt)
        for place in stride(from: 0, to: bytes.count, by: 9) {
            var bad = bytes
            bad[place] ^= 1
            #expect(throws: ArchiveFailure.self) { try ArchiveManifest.open(bad, name, by: .masterKey(master)) }
        }
        #expect(throws: ArchiveFailure.self) {
            try ArchiveManifest.open(Array(bytes.dropLast()), name, by: .masterKey(master))
        }
        let bare = try manifest.sealed(under: ArchiveKey(of: master), wrappedMasterKey: [])
        #expect(throws: ArchiveFailure.needsMasterKey) {
            try ArchiveManifest.open(bare.bytes, bare.name, by: .passphrase(words))
        }
    }
}

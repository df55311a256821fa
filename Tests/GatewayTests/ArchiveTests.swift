import Archive
import Cryptography
import Foundation
import Glibc
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

    private func backup(_ path: String) throws -> Archive {
        try Archive.forBackup(.folder(path)) { _ in FolderStore(path) }
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
            let archive = try backup(path)
            let owner = ArchivePlace.tenant(id)
            let pieces = try (0..<2).map { try key.seal([UInt8($0)], at: ArchivePlace.pages(of: owner, $0)) }
            for piece in pieces { #expect(try !archive.store.put(piece.name, piece.bytes)) }
            for (order, isGood) in [([0, 1], true), ([1, 0], false), ([0, 0], false)] {
                let index = try key.seal(
                    ArchiveIndex(bytes: 2, pieces: order.map { pieces[$0].name }).json,
                    at: ArchivePlace.index(of: owner))
                _ = try archive.store.put(index.name, index.bytes)
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
            let archive = try backup(path)
            #expect(throws: StoreFailure.refused("../x is no name")) { try archive.store.put("../x", [1]) }
            #expect(throws: StoreFailure.self) { try archive.store.get("../x") }
            #expect(throws: StoreFailure.self) { try archive.store.remove("../x") }
        }
    }

    @Test("P11 one backup at a time is written into a folder, and none into one that is no archive")
    func folders() throws {
        try folder { path in
            let first = try backup(path)
            #expect(throws: DataDirectory.Failure.self) { try backup(path) }
            #expect(try first.manifests().isEmpty)
            #expect(throws: ArchiveFailure.noManifest) {
                try first.open(nil, by: .masterKey([UInt8](repeating: 0, count: 32)))
            }
        }
        try folder { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/x"))
            #expect(throws: ArchiveFailure.noArchive(path)) { try backup(path) }
            try Data("tollgate-archive 2\n".utf8).write(to: URL(fileURLWithPath: path + "/FORMAT"))
            #expect(throws: ArchiveFailure.newer) { try backup(path) }
        }
    }

    @Test("B3 a place of an archive is a folder, or a bucket and a prefix that nothing has to be escaped in")
    func addresses() {
        #expect(ArchiveAddress("/srv/archive") == .folder("/srv/archive"))
        #expect(ArchiveAddress("s3://bucket") == .bucket("bucket", prefix: ""))
        #expect(ArchiveAddress("s3://bucket/a/b/") == .bucket("bucket", prefix: "a/b/"))
        #expect(ArchiveAddress("./a:b/c") == .folder("./a:b/c"))
        for bad in [
            "", "s3://", "s3:///a", "s3://ab", "s3://bucket/../x", "s3://bucket/a b", "s3://bucket/a?b", "S3://bucket",
            "gs://bucket/x", "ftp://host/x", "file:///srv/x",
        ] {
            #expect(ArchiveAddress(bad) == nil, "\(bad)")
        }
    }

    @Test("B3 a folder lists in order, behind a name, below a prefix, and nothing that is no object")
    func lists() throws {
        try folder { path in
            let store = FolderStore(path)
            try begin(store)
            let names = ["log/a/b/1-a", "log/a/b/2-a", "log/a/c/1-a", "keys/x-1"]
            for name in names.reversed() { #expect(try !store.put(name, Array(name.utf8))) }
            try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/log/a/b/UPPER"))
            #expect(try store.list("log/", after: "") == Array(names.prefix(3)))
            #expect(try store.list("log/a/b/", after: "log/a/b/1-a") == ["log/a/b/2-a"])
            #expect(try store.list("log/a/b/2", after: "") == ["log/a/b/2-a"])
            // A place comes before what lies there, and behind what lies before it.
            #expect(try store.all("log/a/", after: "log/a/b/2") == ["log/a/b/2-a", "log/a/c/1-a"])
            #expect(try store.all("") == names.sorted())
            #expect(try store.put(names[0], Array(names[0].utf8)))
            try store.remove(names[0])
            try store.remove(names[0])
            #expect(try store.get(names[0]) == nil)
        }
    }

    private func begin(_ store: FolderStore) throws {
        _ = try store.put(ArchivePlace.format, Array(ArchivePlace.formatText.utf8))
    }

    @Test("B3 P5 where an empty folder is in the archive's place nothing is written, and nothing counts as removed")
    func vanished() throws {
        try folder { path in
            let store = FolderStore(path)
            try begin(store)
            #expect(try !store.put("log/a/b/1-a", [1]))
            try FileManager.default.moveItem(atPath: path, toPath: path + "-away")
            defer { try? FileManager.default.removeItem(atPath: path + "-away") }
            // As a mount that drops leaves it: no folder at first, then an empty one.
            for isThere in [false, true] {
                if isThere { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
                #expect(throws: StoreFailure.self) { try store.put("log/a/b/2-a", [2]) }
                #expect(throws: StoreFailure.self) { try store.get("log/a/b/1-a") }
                #expect(throws: StoreFailure.self) { try store.list("log/", after: "") }
                #expect(throws: StoreFailure.self) { try store.remove("log/a/b/1-a") }
                #expect(FileManager.default.fileExists(atPath: path) == isThere)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: path + "-away", toPath: path)
            #expect(try !store.put("log/a/b/2-a", [2]))
            #expect(try store.list("log/", after: "") == ["log/a/b/1-a", "log/a/b/2-a"])
        }
    }

    @Test("P11 B3 a copy that cannot be read to its end is not taken for a shorter one")
    func shortCopies() throws {
        try folder { path in
            try FileManager.default.createDirectory(atPath: path + "/folder", withIntermediateDirectories: true)
            // It opens, and cannot be read.
            var unreadable = try FileCut(path + "/folder", of: ArchivePlace.tenant(id), under: key)
            do {
                _ = try unreadable.next()
                Issue.record("it was read")
            } catch is DataDirectory.Failure {}
            try DataDirectory.writeNew([1, 2, 3], to: path + "/file")
            var whole = try FileCut(path + "/file", of: ArchivePlace.tenant(id), under: key)
            while try whole.next() != nil {}
            _ = try whole.index()
            try DataDirectory.writeNew([1, 2, 3], to: path + "/file")
            let cut = try FileCut(path + "/file", of: ArchivePlace.tenant(id), under: key)
            do {
                _ = try cut.index()
                Issue.record("it has an index")
            } catch is DataDirectory.Failure {}
        }
    }

    @Test("B3 P11 a folder that cannot be read is not taken for an empty one, nor an object that cannot for none")
    func unreadable() throws {
        try folder { path in
            let store = FolderStore(path)
            #expect(throws: StoreFailure.self) { try store.list("log/", after: "") }
            try begin(store)
            #expect(try store.list("log/", after: "") == [])
            #expect(try store.get("log/a/b/1-a") == nil)
            // A link to itself leads nowhere, whoever asks.
            #expect(symlink("log", path + "/log") == 0)
            #expect(throws: StoreFailure.self) { try store.list("log/", after: "") }
            #expect(throws: StoreFailure.self) { try store.list("", after: "") }
            #expect(throws: StoreFailure.self) { try store.get("log/a/b/1-a") }
        }
    }

    @Test("B3 credentials are in no text of what has them, and a file with them is its owner's alone")
    func credentials() throws {
        try folder { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let file = path + "/credentials"
            try DataDirectory.writeNew(
                Array("[a]\naws_access_key_id = AKIA1\naws_secret_access_key=s3cret=/+\n".utf8), to: file)
            let settings = try S3Settings(environment: ["AWS_REGION": "eu-1"], file: file)
            #expect(settings.region == "eu-1" && settings.endpoint == "https://s3.eu-1.amazonaws.com")
            let texts = ["\(settings)", String(reflecting: settings.credentials), "\(settings.credentials)"]
            for text in texts { #expect(!text.contains("s3cret") && !text.contains("AKIA1")) }
            chmod(file, 0o644)
            #expect(throws: DataDirectory.Failure.self) { try S3Settings(environment: [:], file: file) }
            #expect(throws: S3Settings.Failure.self) { try S3Settings(environment: [:], file: nil) }
        }
    }

    @Test("B3 places of a log's objects sort as they follow each other, and are read as they are written")
    func logPlaces() throws {
        let node = LogObjectPlace.node(SeededRandom(seed: 5))
        let streams = (1..<4).map { LogObjectPlace.stream(UInt32($0), SeededRandom(seed: UInt64($0))) }
        let places = streams.flatMap { stream in
            [1, 2, 10, 0xFFFF_FFFF].map { LogObjectPlace(node: node, stream: stream, number: $0) }
        }
        #expect(places.shuffled().sorted() == places)
        #expect(places.map(\.text).sorted() == places.map(\.text))
        for place in places {
            #expect(LogObjectPlace(place.text) == place)
            #expect(ArchivePlace.isName(place.text + "-ab"))
        }
        for bad in ["", "log/x", "log/../\(streams[0])/000000000001", "tenants/\(node)/\(streams[0])/000000000001"] {
            #expect(LogObjectPlace(bad) == nil)
        }
    }

    @Test("B3 an object of a log opens as it was sealed, and not once a bit of it changed or at another place")
    func logObjects() throws {
        let place = LogObjectPlace(node: "00000000000000aa", stream: "00000001000000bb", number: 3)
        let sealed = try ArchiveSealed.seal([1, 2, 3], of: id, at: place, under: key)
        let tenant = ArchiveManifest.Tenant(
            id: id, slug: "acme", index: "tenants/\(id.text)/index-ab", bytes: 5, head: "1:2:3",
            mark: SnapshotMark(lsn: .max - 1, incarnation: 2, at: Timestamp(milliseconds: 7), since: place))
        let object = LogObject(
            number: 3, before: [UInt8](repeating: 9, count: 16), log: LogID(high: 1, low: 2), from: 100, to: 100,
            at: Timestamp(milliseconds: 1_700_000_000_000), heads: [],
            parts: [
                .payloads(id, sealed), .registryChanges([4, 5]), .registry(index: "registry/index-ab", since: 2),
                .snapshot(tenant), .erased(id), .gap,
            ])
        let (name, bytes) = try key.seal(object.bytes, at: place.text)
        let back = try LogObject(reading: key.open(bytes, name), name)
        #expect(back.parts == object.parts && back.number == 3 && back.log == object.log && back.at == object.at)
        #expect(back.before == object.before && back.from == 100 && back.to == 100)
        #expect(try sealed.open(of: id, at: place, under: key) == [1, 2, 3])
        #expect(throws: ArchiveFailure.self) { try sealed.open(of: id, at: place.next, under: key) }
        let other = TenantID.random(SeededRandom(seed: 9))
        #expect(throws: ArchiveFailure.self) { try sealed.open(of: other, at: place, under: key) }
        for cut in [0, 8, 79, 81, object.bytes.count - 1] {
            #expect(throws: ArchiveFailure.self) { try LogObject(reading: Array(object.bytes.prefix(cut)), name) }
        }
        for at in stride(from: 0, to: bytes.count, by: 7) {
            var bad = bytes
            bad[at] ^= 1
            #expect(throws: ArchiveFailure.damaged(name)) { try key.open(bad, name) }
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

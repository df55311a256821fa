import Foundation
import Synchronization
import TenantApp
import TenantRegistry
import TestTenants

/// The pages of an export: the input is edits of a sound one, each three bytes of place, one of length, and bytes.
/// Whatever they make of it is looked at, sealed and bare; a sealed file that was changed is refused.
enum PagesProperties {
    private struct Base {
        let folder: TestFolder
        let content: [UInt8]
        let tenant: TenantID
        let publicKey: [UInt8]
    }

    private static let base = Result { try make() }
    private static let counter = Atomic<Int>(0)

    private static func make() throws -> Base {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.trade()
        let path = try node.export(shop.record)
        return Base(
            folder: folder, content: Array(try Data(contentsOf: URL(fileURLWithPath: path))), tenant: shop.record.id,
            publicKey: shop.record.signingKey.publicKey)
    }

    static func check(_ input: [UInt8]) throws(Violation) {
        guard let base = try? base.get() else { throw Violation("no export was made") }
        let edited = edit(base.content, by: input)
        let sealed = examine(edited, of: base, acceptsUnsigned: false)
        try demand(
            sealed == (edited == base.content), "a sealed file passes where nothing was changed, and nowhere else")
        let bare = Array(edited.dropLast(Int(ExportSeal.bytes)))
        try demand(!examine(bare, of: base, acceptsUnsigned: false), "a file without a seal does not pass")
        _ = examine(bare, of: base, acceptsUnsigned: true)
    }

    private static func edit(_ content: [UInt8], by input: [UInt8]) -> [UInt8] {
        var content = content
        var rest = input[...]
        while rest.count > 4 {
            let place = rest.prefix(3).reduce(0) { $0 << 8 | Int($1) } % content.count
            let count = Int(rest[rest.startIndex + 3])
            for (offset, byte) in rest.dropFirst(4).prefix(count).enumerated() where place + offset < content.count {
                content[place + offset] = byte
            }
            rest = rest.dropFirst(4 + count)
        }
        return content
    }

    private static func examine(_ bytes: [UInt8], of base: Base, acceptsUnsigned: Bool) -> Bool {
        let path = base.folder.file("pages-\(counter.add(1, ordering: .relaxed).newValue)")
        defer { DataDirectory.remove(path) }
        let order = FileExamination(
            path: path, tenant: base.tenant, publicKey: base.publicKey, currency: "EUR",
            acceptsUnsigned: acceptsUnsigned)
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            _ = try Examination.run(order)
            return true
        } catch {
            return false
        }
    }
}

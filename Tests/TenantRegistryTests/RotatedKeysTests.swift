import Foundation
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct RotatedKeysTests {
    @Test("P5 G3 a secret that a rotation has ended stays ended over a restore, and the one in force goes on")
    func ended() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        let shop = try Shop.open(node)
        let (over, replaced) = (try node.mint(shop.record), try node.mint(shop.record))
        let (running, kept) = (try node.mint(shop.record, reseller: shop.resellerIDs[0]), try node.mint(shop.record))
        let path = try node.export(shop.record)
        let copy = try folder.copy(path, to: "export")
        let inForce = [
            try node.rotate(shop.record, over, overlapSeconds: 60),
            try node.rotate(shop.record, replaced, overlapSeconds: 0),
            try node.rotate(shop.record, running, overlapSeconds: 3_600),
        ]
        node.clock.advance(seconds: 61)
        #expect(!node.opens(over) && !node.opens(replaced) && node.opens(running))
        _ = try node.restore(shop.record, from: path)
        #expect(!node.opens(over) && !node.opens(replaced))
        // Its overlap runs on, and ends when it would have.
        #expect(node.opens(running) && node.opens(kept))
        for key in inForce { #expect(node.opens(key)) }
        let report = try Verifier(path: try node.export(shop.record)).run()
        #expect(report.isSound)
        node.clock.advance(seconds: 3_600)
        #expect(!node.opens(running) && node.opens(kept))
        node.stop()
        // Where nobody can ask the file any more, the registry knows.
        let data = folder.file("data")
        try Data(repeating: 9, count: 5_000).write(to: URL(fileURLWithPath: DataFolder.tenantFiles(data)[0]))
        let next = try TestNode(data, clock: node.clock, seed: 2)
        defer { next.stop() }
        _ = try next.restore(try next.tenant("shop"), from: copy)
        for key in [over, replaced, running] { #expect(!next.opens(key)) }
        #expect(next.opens(kept))
    }
}

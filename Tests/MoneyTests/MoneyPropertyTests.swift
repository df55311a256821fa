import CallKit
import Cryptography
import Foundation
import TenantApp
import TenantRegistry
import TestTenants
import Testing

/// Whatever is done in whatever order, every balance is what the model says. A failure names its seed, which replays
/// it.
@Suite struct MoneyPropertyTests {
    private static let isLong = ProcessInfo.processInfo.environment["TOLLGATE_TEST_LONG"] != nil
    static let seeds: ClosedRange<UInt64> = 1...(isLong ? 200 : 20)
    static let steps = 300

    @Test("W3 A4 X3 X4 O5 every account of both books is what the model says after each operation", arguments: seeds)
    func model(seed: UInt64) throws {
        let folder = try TestFolder()
        let random = SeededRandom(seed: seed)
        let node = try TestNode(folder.file("data"), seed: seed)
        var bank = try Bank(node, random)
        var refused = 0
        for number in 0..<Self.steps {
            let before = bank.expected
            let step = try bank.step(random)
            #expect(step.agrees, "seed \(seed), step \(number): \(step.name)")
            let (accounts, expected) = (try bank.accounts(), bank.expected)
            #expect(accounts == expected, "seed \(seed), step \(number): \(step.name)")
            if accounts != expected || !step.agrees { break }
            if expected == before { refused += 1 }
        }
        // Both paths were gone: done and refused.
        #expect(refused > 20 && refused < Self.steps - 60, "seed \(seed)")
        let live = bank.expected.filter { $0.key.hasPrefix("live") }
        #expect(live.values.reduce(0, +) == 0)
        let report = try Verifier(path: try node.export(bank.record)).run()
        #expect(report.isSound, "seed \(seed): \(report.text)")
        node.stop()

        let again = try TestNode(folder.file("data"), clock: node.clock, seed: seed)
        bank.node = again
        bank.record = try again.tenant("bank")
        #expect(try bank.accounts() == bank.expected, "seed \(seed): after a restart")
        again.stop()
    }

    @Test("a seed replays: the same operations, the same cents")
    func replay() throws {
        func play() throws -> [String] {
            let folder = try TestFolder()
            let random = SeededRandom(seed: 77)
            let node = try TestNode(folder.file("data"), seed: 77)
            defer { node.stop() }
            var bank = try Bank(node, random)
            var lines: [String] = []
            for _ in 0..<60 { lines.append(try bank.step(random).name) }
            for (name, amount) in try bank.accounts().sorted(by: { $0.key < $1.key }) {
                lines.append("\(name): \(amount)")
            }
            return lines
        }
        #expect(try play() == play())
    }
}

import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

private let header = "device,server_ip,http_port,socks_port,country,mode\n"

@Suite struct PortRules {
    @Test(
        "X5 a port ends when its time is up: its slot, its customer's slot and its device are free, and its end is told once"
    )
    func expiry() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try PortMarket.open(
            node, rows: header + "d1,192.0.2.1,1,2,germany_id,shared\n", slots: 1)
        try market.topUp(0, 100)
        try market.topUp(1, 100)
        let port = try #require(try market.buy(0, days: 1))
        #expect(try market.buy(0) == nil)
        #expect(throws: Refusal.self) { try market.buy(1) }
        node.clock.advance(seconds: 86_399)
        #expect(throws: Refusal.self) { try market.buy(1) }
        node.clock.advance(seconds: 1)
        // Before anything is cleared, reading says what is so.
        #expect(try market.customer(0).usedPortSlots == 0)
        let reseller = market.resellers[0]
        let read = try node.read(market.record) { try $0.knownPort(port.publicID, resellerID: reseller, book: .live) }
        #expect(read.state == .expired)
        #expect(throws: Refusal.self) { try market.rotate(0, port) }
        // Another reseller takes the slot over.
        let next = try #require(try market.buy(1))
        #expect(next.slotID == port.slotID)
        #expect(try market.events(0).filter { $0 == "port.expired" }.count == 1)
        #expect(try market.customer(0).usedPortSlots == 0)
        #expect(try market.faults() == [])
    }

    @Test("X4 X5 a port at less than half a cent a day is not free to whoever buys and renews it day by day")
    func dayByDay() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try PortMarket.open(node, rows: header + "d1,192.0.2.1,1,2,germany_id,shared\n")
        try node.write(market.record) { tenant, _ in
            _ = try tenant.savePortCountry(PortMarket.country, name: "Germany", basePrice: Money(micros: 4_000))
        }
        try market.topUp(0, 1)
        let port = try #require(try market.buy(0, days: 1))
        for _ in 1...29 { try market.renew(0, port, days: 1) }
        #expect(try market.balance(0) == Money(micros: 700_000), "a cent each time")
        try market.renew(0, port, days: 30)
        #expect(try market.balance(0) == Money(micros: 580_000), "30 × 0.004")
        #expect(try market.faults() == [])
    }

    @Test("X5 rotations go round the devices and never stay; without another device nothing moves")
    func rotation() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let rows = (1...3).map { "d\($0),192.0.2.\($0),1-2,11-12,germany_id,shared\n" }.joined()
        let market = try PortMarket.open(node, rows: header + rows)
        try market.topUp(0, 100)
        var port = try #require(try market.buy(0))
        var visited: Set<Int64> = [port.deviceID]
        for _ in 0..<2 {
            node.clock.advance(seconds: 1)
            let moved = try market.rotate(0, port)
            #expect(
                moved.deviceID != port.deviceID && moved.publicID == port.publicID && moved.expiresAt == port.expiresAt)
            port = moved
            visited.insert(port.deviceID)
        }
        #expect(visited.count == 3)
        #expect(try market.faults() == [])
        // A second slot of its own device is no other device.
        let single = try PortMarket.open(
            node, named: "one-device", rows: header + "d1,192.0.2.9,1-2,11-12,germany_id,shared\n")
        try single.topUp(0, 100)
        let only = try #require(try single.buy(0))
        #expect {
            try single.rotate(0, only)
        } throws: {
            ($0 as? Refusal)?.code == "no_port_available"
        }
        #expect(try single.faults() == [])
    }

    @Test("X5 a rotation goes to the device that was left longest ago, however used; exclusive-capable ones come last")
    func rotationRound() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let rows =
            (1...3).map { "d\($0),192.0.2.\($0),1-4,11-14,germany_id,shared\n" }.joined()
            + "e1,192.0.2.9,1-4,11-14,germany_id,exclusive-capable\n"
        let market = try PortMarket.open(node, rows: header + rows)
        try market.topUp(0, 100)
        // Four ports: one device has two, and is not passed over for that.
        var ports = try (1...4).map { _ in try #require(try market.buy(0)) }
        let shared = Set(ports.map(\.deviceID))
        #expect(shared.count == 3)
        var left: [Int64: Int] = [:]
        for step in 1...24 {
            node.clock.advance(seconds: 1)
            let port = ports[step % 4]
            let moved = try market.rotate(0, port)
            let others = shared.subtracting([port.deviceID])
            let longest = others.map { left[$0] ?? 0 }.min()
            #expect(others.contains(moved.deviceID) && left[moved.deviceID] ?? 0 == longest)
            left[port.deviceID] = step
            ports[step % 4] = moved
        }
        #expect(try market.faults() == [])
    }

    @Test(
        "X4 whatever is bought, rotated, moved and ended, the file agrees with a simple model of every balance",
        arguments: [1, 2, 3])
    func model(seed: UInt64) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"), seed: seed)
        defer { node.stop() }
        let rows =
            (1...3).map { "s\($0),192.0.2.\($0),1-4,11-14,germany_id,shared\n" }.joined()
            + (4...6).map { "e\($0),192.0.2.\($0),1-2,11-12,germany_id,exclusive-capable\n" }.joined()
        let market = try PortMarket.open(node, rows: header + rows, slots: 8)
        let random = SeededRandom(seed: seed)
        var balances: [Int64] = [0, 0]
        var moved: [Int64] = [0, 0]
        var ports: [[Port]] = [[], []]
        for _ in 0..<250 {
            let number = Int(random.below(2))
            switch random.below(10) {
            case 0:
                try market.topUp(number, 40)
                balances[number] += 40_000_000
            case 1, 2:
                let micros = Int64(random.below(1_000) + 1) * 10_000
                if (try? market.transfer(number, micros: micros)) != nil {
                    #expect(balances[number] >= micros)
                    balances[number] -= micros
                    moved[number] += micros
                } else {
                    #expect(balances[number] < micros)
                }
            case 3...6:
                let days = Int64(random.below(5) + 1)
                let bought = try? market.buy(
                    number, days: days, isExclusive: random.below(4) == 0, isPrivate: random.below(4) == 0)
                if let port = bought ?? nil {
                    balances[number] -= days * 2_000_000
                    ports[number].append(port)
                }
            case 7, 8:
                guard let port = ports[number].randomElement(using: random) else { continue }
                let now = try? market.rotate(number, port)
                #expect(now?.deviceID == nil || now?.publicID == port.publicID)
            default: node.clock.advance(seconds: Int64(random.below(86_400)))
            }
            #expect(try market.balance(number).micros == balances[number])
            #expect(try market.customer(number).balance.micros == moved[number])
            let alive = ports[number].count { $0.expiresAt > node.clock.now() }
            #expect(try market.customer(number).usedPortSlots == Int64(alive))
            #expect(alive <= 8)
        }
        #expect(try market.faults() == [])
    }

    @Test(
        "a port, a slot, a quota or a transfer that was changed in the file is found",
        arguments: [
            "UPDATE port SET cost = cost - 1000000", "UPDATE port SET days = days + 1",
            "UPDATE port SET state = 'expired'", "UPDATE port_slot SET port_id = NULL",
            "UPDATE port_customer SET used_port_slots = 0", "UPDATE port_device SET used = used + 1",
            "UPDATE port SET is_exclusive = 1",
            "DROP TRIGGER customer_transfer_is_append_only_update; UPDATE customer_transfer SET amount = 1",
            "UPDATE ledger_account SET balance = balance + 1 WHERE kind LIKE 'customer:%'",
        ])
    func tampering(change: String) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try PortMarket.open(node, rows: header + "d1,192.0.2.1,1-9,11-19,germany_id,shared\n")
        try market.topUp(0, 100)
        try market.buy(0, days: 3)
        try market.transfer(0, micros: 5_000_000)
        let export = try node.export(market.record)
        #expect(try Verifier(path: export).run().findings == [])
        let copy = try folder.copy(export, to: "copy.sqlite")
        try DataFolder.edit(copy) { connection in
            try connection.execute(change)
            try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        #expect(!(try Verifier(path: copy).run().isSound))
    }

    @Test("a stored answer with a port's password is ciphertext, and is given back as it was")
    func sealedAnswers() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let record = try node.create("seal")
        let stored = try node.write(record) { tenant, _ in
            var answer = Answer.json(201) { $0.field("proxyPassword", "open sesame") }
            answer.isSecret = true
            let key = try #require(IdempotencyKey("k"))
            let claim = IdempotencyClaim(key, scope: 1, book: .live, fingerprint: .zero)
            try tenant.storeAnswer(answer, for: claim)
            return try tenant.storedAnswer(for: claim)
        }
        #expect(stored?.contentType == "application/json")
        #expect(stored?.body == Array(#"{"proxyPassword":"open sesame"}"#.utf8))
        let bytes = try DataFolder.edit(try node.export(record)) { connection in
            try connection.row("SELECT body FROM idempotency") { try $0.blob() }
        }
        #expect(!String(decoding: bytes ?? [], as: UTF8.self).contains("sesame"))
    }
}

extension Array {
    fileprivate func randomElement(using random: SeededRandom) -> Element? {
        isEmpty ? nil : self[Int(random.below(UInt64(count)))]
    }
}

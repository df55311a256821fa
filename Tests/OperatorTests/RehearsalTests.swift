import CallKit
import Foundation
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry
import TestSeeds
import Testing

@Suite struct LimitRehearsals {
    /// `TOLLGATE_REHEARSAL_CALLS=1000000` says on standard output how long a million take.
    private static let callsCount =
        ProcessInfo.processInfo.environment["TOLLGATE_REHEARSAL_CALLS"].flatMap { Int($0) } ?? 20_000

    /// Calls of a key from now on, in blocks as the read log writes them, among as many of somebody else's; then it is
    /// six days later.
    private static func fill(_ office: Office, _ count: Int, keyID: Int64) async throws -> [UInt64] {
        var random = Seeded(state: 5)
        let beginning = office.clock.now()
        var at = beginning.milliseconds
        var instants: [UInt64] = []
        let step = 2 * Int(5 * Timestamp.millisecondsPerDay) / count
        for index in 0..<count {
            if !random.happens(oneIn: 4) { at += Int64(random.pick(0...step)) }
            for (caller, action) in [(keyID, "GET /a"), (keyID + 1_000, "GET /b")] {
                var record = AuditRecord(
                    at: Timestamp(milliseconds: at), action: action, status: 200, requestID: .none)
                record.keyID = caller
                office.tenant.readLog.append(record)
            }
            instants.append(UInt64(at))
            if index % 2_000 == 1_999 { try await office.onLane { $0.store.flushReads() } }
        }
        try await office.onLane { $0.store.flushReads() }
        office.clock.set(beginning.adding(days: 6))
        return instants
    }

    @Test("O2 a rehearsal over a long log counts every call once, and refuses what the real bucket refuses")
    func longLog() async throws {
        try await Office.open { office in
            let minted = await office.call(.post, "/api-keys", #"{"owner_email":"clerk@example.com"}"#)
            let holder = try #require(office.caller(minted["key"]))
            let instants = try await Self.fill(office, Self.callsCount, keyID: holder.key.id)
            let policy = try #require(Policy(requests: 20, windowSeconds: 60, burst: 25))
            let bucket = Bucket(policy, now: 0)
            let first = instants[0]
            let refused = instants.count { !bucket.take(now: ($0 - first) * 1_000_000).admitted }
            let began = ContinuousClock.now
            let answer = await office.call(
                .post, "/api-keys/\(minted["id"])/limit/rehearse",
                #"{"requests":20,"window_seconds":60,"burst":25,"days":7}"#)
            if Self.callsCount >= 1_000_000 { print("\(Self.callsCount) calls: \(ContinuousClock.now - began)") }
            #expect(answer.status == 200)
            #expect(answer["asked"] == String(Self.callsCount))
            #expect(answer["would_be_refused"] == String(refused))
            // A day of the seven alone: what came before is not asked.
            let later = UInt64(office.clock.now().milliseconds - 4 * Timestamp.millisecondsPerDay)
            let short = await office.call(
                .post, "/api-keys/\(minted["id"])/limit/rehearse", #"{"requests":20,"window_seconds":60,"days":4}"#)
            #expect(short["asked"] == String(instants.count { $0 >= later }))
        }
    }
}

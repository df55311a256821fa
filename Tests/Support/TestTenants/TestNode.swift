package import CallKit
import Cryptography
import Foundation
import Synchronization
import TenantApp
package import TenantRegistry

/// A fleet on a real folder, with calls that wait: what the gateway does with a lane, without HTTP.
package final class TestNode: Sendable {
    package let fleet: Fleet
    package let clock: ManualClock
    package let reports = ReportList()

    /// Where the nodes of a run keep their commits.
    package static let commits =
        ProcessInfo.processInfo.environment["TOLLGATE_TEST_COMMITS"].flatMap(CommitPlace.init) ?? .files

    package static let start = Timestamp(milliseconds: 1_790_000_000_000)

    package init(
        _ path: String, clock: ManualClock = ManualClock(TestNode.start), seed: UInt64 = 1,
        options: Fleet.Options = Fleet.Options(),
        schema: TenantSchema = .app
    ) throws {
        self.clock = clock
        var options = options
        if options.commits == .files { options.commits = Self.commits }
        let reports = reports
        fleet = try Fleet(
            data: try DataDirectory(path: path), schema: schema, options: options, clock: clock,
            random: SeededRandom(seed: seed), report: { reports.add($0) })
    }

    package func stop() {
        fleet.stop()
        fleet.data.release()
    }

    package func tenant(_ slug: String) throws -> TenantRecord {
        guard let record = fleet.roster.tenant(slug: slug) else { throw Missing() }
        return record
    }

    package struct Missing: Error {}

    /// A tenant with an owner's account.
    @discardableResult
    package func create(_ slug: String, currency: String = "EUR") throws -> TenantRecord {
        let creation = Fleet.Creation(
            slug: slug, blueprint: "hosting", tier: .lite, currency: currency, keyPrefix: "tst",
            ownerEmail: "owner@\(slug).example")
        return try awaited { then in
            fleet.create(
                creation, as: fleet.ownAct("tenant.created"),
                fill: { tenant in try Self.fill(tenant, creation) },
                then: then)
        }.0
    }

    /// In a file of a schema before, as programs of then wrote it.
    private static func fill(_ tenant: TenantTransaction, _ creation: Fleet.Creation) throws {
        let hasPeople = try tenant.connection.exists(
            "SELECT 1 FROM pragma_table_info('account') WHERE name = 'public_id'")
        if hasPeople {
            try tenant.insertAccount(
                email: creation.ownerEmail, name: creation.slug, role: .owner, resellerID: nil, passwordHash: nil)
        } else {
            try tenant.connection.run(
                "INSERT INTO account (email, name, role, created_at) VALUES (?1, ?2, 0, ?3)",
                .text(creation.ownerEmail), .text(creation.slug), .time(tenant.now))
        }
    }

    /// A write as the pipeline makes it: effect, stored answer, audit row, then memory and registry.
    package func write<Value: Sendable>(
        _ record: TenantRecord, _ action: String = "POST /test", book: Book = .live,
        _ perform: @escaping @Sendable (TenantTransaction, inout AuditDetail) throws -> Value
    ) throws -> Value {
        try awaited { then in submit(record, action, book: book, perform, then: then) }
    }

    package func submit<Value: Sendable>(
        _ record: TenantRecord, _ action: String, book: Book,
        _ perform: @escaping TenantWrite.Effect<Value>,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let write = TenantWrite(record, of: fleet, warrant: .node) { [clock] status, bytesOut in
            var line = AuditRecord(at: clock.now(), action: action, status: status, requestID: .none)
            line.book = book
            line.bytesOut = bytesOut
            return line
        }
        write.step(.row(status: 201), perform) { outcome in
            switch outcome {
            case .done(let value): then(.success(value))
            case .replayed: then(.failure(Refusal.defect))
            case .failed(let error): then(.failure(error))
            }
        }
    }

    package func read<Value: Sendable>(
        _ record: TenantRecord, _ perform: @escaping @Sendable (TenantReader) throws -> Value
    ) throws -> Value {
        try awaited { then in record.onLane(writes: false, { try perform($0.reader) }, then: then) }
    }

    /// The path of a consistent copy.
    package func export(_ record: TenantRecord) throws -> String { try awaited { fleet.export(record, then: $0) } }

    package func restore(
        _ record: TenantRecord, from path: String, acceptsUnsigned: Bool = false
    ) throws -> AuditHead {
        try awaited {
            fleet.restore(
                record, from: path, acceptsUnsigned: acceptsUnsigned, as: fleet.ownAct("tenant.restored"), then: $0)
        }
    }

    package func head(of record: TenantRecord) throws -> AuditHead {
        try read(record) { $0.store.head }
    }
}

/// Lines that the fleet reported. Any thread.
package final class ReportList: Sendable {
    private let lines = Mutex<[String]>([])
    package init() {}
    package func add(_ line: String) { lines.withLock { $0.append(line) } }
    package var all: [String] { lines.withLock { $0 } }
}

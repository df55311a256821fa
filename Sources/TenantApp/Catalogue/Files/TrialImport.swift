package import CallKit
import Cryptography
package import HTTPCore
package import TenantRegistry

/// What a row of a file would do to the row that is there (O4).
package struct ComparedRow: Sendable {
    package let line: Int
    /// What the row is known by, say its SKU.
    package let names: [JSONMember]
    /// Nil where it would be new.
    package let old: [JSONMember]?
    package let new: [JSONMember]
    /// What is no error, and may be a mistake.
    package let warnings: [FieldError]

    /// `columns`: those that the file has; what it does not have stays as it is.
    init(
        line: Int, names: [JSONMember], old: [JSONMember]?, new: [JSONMember], columns: Set<String>,
        warnings: [FieldError] = []
    ) {
        self.warnings = warnings
        self.line = line
        self.names = names
        self.old = old
        self.new = old.map { zip($0, new).map { columns.contains($1.name) ? $1 : $0 } } ?? new
    }
}

/// An import that can be tried first: what it would change is told, nothing is changed.
package protocol ComparedImport: StagedImport {
    /// Names what the file would be applied to; another one after any change of it.
    static func hash(_ tenant: TenantReader) throws -> String
    /// On the lane: rows as `resolve` gave them, each beside the row that is there.
    func compare(_ staged: [Staged], _ tenant: TenantReader) throws -> [ComparedRow]
    /// What the caller means to change (`RequestHead.meant`); nil: whatever is there.
    var meant: String? { get }
    /// What the whole of it would mean, once each row has been compared; nothing where nobody asked.
    func consequences(_ steps: Steps) async throws -> [JSONMember]
}

extension ComparedImport {
    package func consequences(_ steps: Steps) async throws -> [JSONMember] { [] }
}

/// What a file would do, gathered row by row. A value.
package struct ImportTrial: Sendable {
    /// So many rows of a kind are listed; all are counted.
    package static let listedMax = 1_000

    private let hash: String
    private var new: [ComparedRow] = []
    private var changed: [ComparedRow] = []
    private var counts = (new: 0, changed: 0, same: 0)
    private var warnings: [FieldError] = []

    init(hash: String) { self.hash = hash }

    mutating func take(_ rows: [ComparedRow]) {
        for row in rows {
            warnings += row.warnings.prefix(ImportProgress.errorsMax - warnings.count)
            switch row.old {
            case nil:
                counts.new += 1
                if new.count < Self.listedMax { new.append(row) }
            case row.new?: counts.same += 1
            default:
                counts.changed += 1
                if changed.count < Self.listedMax { changed.append(row) }
            }
        }
    }

    func answer(_ errors: [FieldError], _ consequences: [JSONMember]) -> Answer {
        .json { json in
            json.field("dry_run", true)
            json.array("new") { json in for row in new { json.object { json in Self.write(row, to: &json) } } }
            json.array("changed") { json in for row in changed { json.object { json in Self.write(row, to: &json) } } }
            json.field("same", counts.same)
            Self.write("errors", errors, to: &json)
            Self.write("warnings", warnings, to: &json)
            json.object("counts") { json in
                json.field("rows", counts.new + counts.changed + counts.same)
                json.field("new", counts.new)
                json.field("changed", counts.changed)
                json.field("same", counts.same)
                json.field("errors", errors.count)
            }
            json.field("hash", hash)
            for member in consequences { json.field(named: member.name, member.value) }
        }
    }

    private static func write(_ name: StaticString, _ errors: [FieldError], to json: inout JSONWriter) {
        json.array(name) { json in
            for error in errors {
                json.object { json in
                    json.field("pointer", error.pointer)
                    json.field("code", error.code)
                    json.field("detail", error.detail)
                }
            }
        }
    }

    /// Of a changed row the columns that differ.
    private static func write(_ row: ComparedRow, to json: inout JSONWriter) {
        json.field("line", row.line)
        for name in row.names { json.field(named: name.name, name.value) }
        guard let old = row.old else {
            json.field("new", .object(row.new.filter { $0.value != .null }))
            return
        }
        let differing = zip(old, row.new).filter { $0 != $1 }
        json.field("old", .object(differing.map(\.0)))
        json.field("new", .object(differing.map(\.1)))
    }

    static let schema: Schema = {
        let error: Schema = ["pointer": .string, "code": .string, "detail": .string]
        return [
            "dry_run": .boolean, "new": .array(of: .object), "changed": .array(of: .object), "same": .integer,
            "errors": .array(of: error), "warnings": .array(of: error),
            "counts": [
                "rows": .integer, "new": .integer, "changed": .integer, "same": .integer, "errors": .integer,
            ], "hash": .string,
        ]
    }()
}

extension ComparedImport {
    /// Tells what the file would do.
    package func tryOut(_ steps: Steps) async throws -> Work {
        var trial = ImportTrial(hash: try await steps.read { try Self.hash($0) })
        var goesOn = true
        while goesOn && progress.errors.count < ImportProgress.errorsMax {
            let (chunk, isReadable) = try await steps.background {
                var rows: [Row] = []
                let isReadable = self.read(ImportProgress.chunkRows, errors: &self.progress.errors, into: &rows)
                return (rows, isReadable)
            }
            let known = progress.names
            let (names, staged, compared, errors) = try await steps.read { tenant in
                var names = known
                var errors: [FieldError] = []
                let staged = try self.resolve(chunk, &names, tenant, errors: &errors)
                return (names, staged, try self.compare(staged, tenant), errors)
            }
            progress.names = names
            progress.errors += errors
            note(staged, errors: &progress.errors)
            trial.take(compared)
            goesOn = isReadable && !(chunk.isEmpty && isAtEnd)
        }
        let errors = Array(progress.errors.byPlace.prefix(ImportProgress.errorsMax))
        return .answer(trial.answer(errors, errors.isEmpty ? try await consequences(steps) : []))
    }

    /// In the transaction that applies it: what was tried is what is there.
    func judgeHash(_ tenant: TenantReader) throws {
        guard let meant, !EntityTag(hash: try Self.hash(tenant)).isMeant(by: meant) else { return }
        throw Refusal.conflict(.bookMoved)
    }
}

extension TenantReader {
    /// A hash that names a book by the count of its changes; copies of a tenant have others.
    func bookHash(of name: String, _ changes: Int64) -> String {
        let text = "tollgate-book-v1:\(name):\(tenantID.text):\(store.head.incarnation):\(changes)"
        return Hex.encode(Array(SHA256.hash(Array(text.utf8)).bytes.prefix(16)))
    }
}

extension Call {
    /// JSON, told by its media type, would be refused for the quotes in it.
    func expectCSV() throws(Refusal) {
        if head.value(of: .contentType)?.lowercased().contains("json") ?? false {
            throw .unparseable("This call takes CSV: send it with Content-Type: text/csv.")
        }
        try expectNoParts()
    }

    /// A file within a form, as `curl -F` sends it, would be read with the form's own lines.
    func expectNoParts() throws(Refusal) {
        if head.isMultipart { throw .unparseable("The body is a form; this call takes the file itself.") }
    }

    /// The body is a list in CSV, by its media type: where JSON is taken too, it alone tells.
    var sendsCSV: Bool { head.value(of: .contentType)?.lowercased().hasPrefix("text/csv") ?? false }

    /// Runs the import of a file, or tries it where `?dry_run=true` says so.
    func importFile<Import: ComparedImport>(
        _ make: @escaping @Sendable (_ importID: Int64, _ meant: String?) throws -> Import
    ) throws -> Work {
        try expectCSV()
        let isDryRun = try query().flag("dry_run")
        return .flow { steps in
            if !isDryRun && services.fleet.refusesWrites { throw LaneFailure.storageFull }
            let file = try make(ImportID.new(at: now, services.random), head.meant)
            return isDryRun ? try await file.tryOut(steps) : try await file.run(steps)
        }
    }
}

extension JSON {
    /// A body that is an import in JSON. CSV is recognised by its media type alone.
    static func imported(_ body: [UInt8], bytesMax: Int) throws(Refusal) -> JSON {
        if body.count > bytesMax { throw .tooLarge(bytesMax: bytesMax) }
        do throws(JSONError) {
            return try parse(sent: ByteOrderMark.without(body))
        } catch {
            throw .unparseable("The body is not valid JSON: \(error). CSV is sent with Content-Type: text/csv.")
        }
    }
}

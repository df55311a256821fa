import CPostgres
import TenantRegistry

/// What goes into a statement for `$1`, `$2` and so on.
enum PostgresValue {
    /// bigint.
    case int(Int64)
    case text(String)
    case bytes([UInt8])
    case uuid(TenantID)
    case uuids([TenantID])
    case ints([Int64])
    case null

    /// Of the catalogue pg_type.
    var type: UInt32 {
        switch self {
        case .int: 20
        case .text, .null: 25
        case .bytes: 17
        case .uuid: 2950
        case .uuids: 2951
        case .ints: 1016
        }
    }

    /// 1: as bytes; 0: as text.
    var format: Int32 {
        switch self {
        case .uuids, .ints: 0
        case .int, .text, .bytes, .uuid, .null: 1
        }
    }

    var encoded: [UInt8]? {
        switch self {
        case .int(let value): withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) }
        case .text(let text): [UInt8](text.utf8)
        case .bytes(let bytes): bytes
        case .uuid(let id): id.bytes
        case .uuids(let ids): [UInt8]("{\(ids.map(\.text).joined(separator: ","))}".utf8)
        case .ints(let values): [UInt8]("{\(values.map { "\($0)" }.joined(separator: ","))}".utf8)
        case .null: nil
        }
    }
}

/// Values laid out as libpq takes them, for one call.
///
/// Invariant: `pointers` point into `memory`, where a zero follows each value.
struct PostgresParameters: ~Copyable {
    let count: Int32
    let types: [UInt32]
    let lengths: [Int32]
    let formats: [Int32]
    let pointers: [UnsafePointer<CChar>?]
    private let memory: UnsafeMutableRawBufferPointer

    init(_ values: [PostgresValue]) {
        let encoded = values.map(\.encoded)
        let total = encoded.reduce(0) { $0 + ($1?.count ?? 0) + 1 }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(total, 1), alignment: 8)
        var place = 0
        pointers = encoded.map { bytes in
            guard let bytes else { return nil }
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + bytes.count + 1])
            rest.copyBytes(from: bytes)
            rest[bytes.count] = 0
            place += bytes.count + 1
            return UnsafePointer(rest.bindMemory(to: CChar.self).baseAddress)
        }
        self.memory = memory
        count = Int32(values.count)
        types = values.map(\.type)
        lengths = encoded.map { Int32($0?.count ?? 0) }
        formats = values.map(\.format)
    }

    deinit { memory.deallocate() }
}

/// What one statement gave. Of one thread.
final class PostgresResult {
    private let library: tollgate_libpq
    private let result: OpaquePointer

    init(_ result: OpaquePointer, _ library: tollgate_libpq) {
        self.result = result
        self.library = library
    }

    deinit { library.PQclear(result) }

    var status: Int32 { library.PQresultStatus(result) }
    var rows: Int { Int(library.PQntuples(result)) }
    /// How many rows the statement wrote.
    var written: Int { library.PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }
    var command: String { library.PQcmdStatus(result).map { String(cString: $0) } ?? "" }

    func errorField(_ field: Int32) -> String? {
        library.PQresultErrorField(result, field).map { String(cString: $0) }
    }

    func isNull(_ row: Int, _ column: Int) -> Bool { library.PQgetisnull(result, Int32(row), Int32(column)) != 0 }

    func raw(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        precondition(row < rows && column < Int(library.PQnfields(result)))
        let count = Int(library.PQgetlength(result, Int32(row), Int32(column)))
        return UnsafeRawBufferPointer(start: library.PQgetvalue(result, Int32(row), Int32(column)), count: count)
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8] { [UInt8](raw(row, column)) }
    func text(_ row: Int, _ column: Int) -> String { String(decoding: raw(row, column), as: UTF8.self) }

    /// Of a whole number in any width; 0 for null.
    func int(_ row: Int, _ column: Int) -> Int64 {
        let bytes = raw(row, column)
        guard let first = bytes.first else { return 0 }
        return bytes.dropFirst().reduce(Int64(Int8(bitPattern: first))) { $0 << 8 | Int64($1) }
    }

    /// Of a number that no row of ours has below zero: one that is counts as 0, and the chain says what is wrong.
    func unsigned(_ row: Int, _ column: Int) -> UInt64 { UInt64(clamping: int(row, column)) }

    func bool(_ row: Int, _ column: Int) -> Bool { raw(row, column).first == 1 }
}

import Foundation
import SQLite

/// The first hundred bytes of a SQLite file, against what a file of ours has there: everything that opening one assumes
/// and no statement shows.
package enum FileHeader {
    private static let bytes = 100
    private static let reserved = 72..<92

    /// What a file's header says that no file of ours says; empty for a sound one.
    package static func faults(of path: String) -> [String] {
        guard let file = FileHandle(forReadingAtPath: path), let size = DataDirectory.size(of: path) else {
            return ["the file cannot be read"]
        }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: bytes), data.count == bytes else { return ["it has no header"] }
        let database = ExportSeal.read(path) == nil ? size : size - ExportSeal.bytes
        return faults(in: Array(data), databaseBytes: database)
    }

    static func faults(in header: [UInt8], databaseBytes: Int64) -> [String] {
        func number(_ place: Int, _ width: Int = 4) -> Int64 {
            header[place..<place + width].reduce(0) { $0 << 8 | Int64($1) }
        }
        var faults: [String] = []
        func expect(_ name: String, _ place: Int, _ width: Int = 4, is wanted: Int64) {
            let found = number(place, width)
            if found != wanted { faults.append("\(name) is \(found), not \(wanted)") }
        }
        if !header.starts(with: Array("SQLite format 3\0".utf8)) { faults.append("it is no SQLite file") }
        expect("its page size", 16, 2, is: Int64(Connection.pageBytes))
        // 1 is an export's, 2 a file's that was copied while it lay still.
        if !(1...2).contains(number(18, 1)) { faults.append("its write version is \(number(18, 1)), not 1 or 2") }
        expect("its read version", 19, 1, is: number(18, 1))
        expect("its reserved space", 20, 1, is: 0)
        expect("its largest payload fraction", 21, 1, is: 64)
        expect("its smallest payload fraction", 22, 1, is: 32)
        expect("its leaf payload fraction", 23, 1, is: 32)
        expect("its size in pages", 28, is: databaseBytes / Int64(Connection.pageBytes))
        if databaseBytes % Int64(Connection.pageBytes) != 0 { faults.append("it does not end with a page") }
        expect("its schema format", 44, is: 4)
        expect("its default cache size", 48, is: 0)
        expect("its auto_vacuum", 52, is: 0)
        expect("its text encoding", 56, is: 1)
        expect("its incremental_vacuum", 64, is: 0)
        expect("its application_id", 68, is: Int64(CoreSchema.applicationID))
        if header[reserved].contains(where: { $0 != 0 }) { faults.append("bytes that SQLite keeps at zero are not") }
        // Where they differ SQLite goes by the file's size instead.
        expect("the counter that its size was noted at", 92, is: number(24))
        return faults
    }
}

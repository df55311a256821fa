import CallKit
import TenantApp
import TestSeeds

/// The same rows or the same error however the file is cut; what was read is written and read again as the same.
enum CSVProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        let whole = read(input) { $0 }
        try demand(read(input) { _ in 1 } == whole, "byte by byte it is read differently")
        var draw = Seeded(input)
        try demand(read(input) { min($0, 1 + draw.below(9)) } == whole, "in pieces it is read differently")
        guard case .success(let rows) = whole else { return }
        var writer = CSVWriter()
        for row in rows { writer.row(row.fields.map { .value($0) }) }
        guard case .success(let again) = read(writer.drain(), { $0 }) else {
            throw Violation("what was written is not read")
        }
        let fields = rows.map { $0.fields.map { Array($0.utf8) } }
        try demand(again.map { $0.fields.map { Array($0.utf8) } } == fields, "what was written is read as other rows")
        for field in rows.flatMap(\.fields) {
            var guarded = CSVWriter()
            // The first row names columns, and is judged more strictly.
            guarded.row([.value("text"), .value("")])
            guarded.row([.text(field), .value("")])
            guard case .success(let read) = read(guarded.drain(), { $0 }), let cell = read.last?.fields.first else {
                throw Violation("a text cell is not read")
            }
            let isFormula = cell.utf8.first.map { Array("=+-@\t\r".utf8).contains($0) } ?? false
            try demand(!isFormula, "a text cell is a formula")
            try demand(Array(CSVCell.withoutGuard(cell).utf8) == Array(field.utf8), "a text cell comes back as another")
        }
        for row in rows { try demand(row.fields.count <= CSVReader.columnsMax, "a row of too many columns") }
    }

    private static func read(_ input: [UInt8], _ size: (Int) -> Int) -> Result<[CSVRow], CSVError> {
        var reader = CSVReader()
        var rows: [CSVRow] = []
        var at = 0
        do throws(CSVError) {
            while at < input.count {
                let count = size(input.count - at)
                rows += try reader.feed(input[at..<at + count])
                at += count
            }
            if let last = try reader.finish() { rows.append(last) }
        } catch {
            return .failure(error)
        }
        return .success(rows)
    }
}

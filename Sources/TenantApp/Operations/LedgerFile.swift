import HTTPCore
import TenantRegistry

/// A reseller's ledger as it comes in, CSV with a header row or JSON Lines (CONTRACT O8): `external_ref`, `kind`, `amount`
/// and `at`; other columns and members are its own affair.
enum LedgerFile {
    static let columns = ["external_ref", "kind", "amount", "at"]
    static let errorsMax = 100

    enum Format {
        case csv
        case jsonLines

        /// By the media type, else by how the body begins.
        init(contentType: String?, body: [UInt8]) {
            let type = contentType?.prefix { $0 != ";" }.lowercased() ?? ""
            if type == "text/csv" {
                self = .csv
            } else if type.contains("json") {
                self = .jsonLines
            } else {
                self = body.first { $0 > 0x20 } == 0x7B ? .jsonLines : .csv
            }
        }
    }

    /// All lines, or a refusal with every error up to `errorsMax`.
    static func read(_ body: [UInt8], as format: Format) throws -> [LedgerLine] {
        var errors: [FieldError] = []
        let lines = format == .csv ? readCSV(body, &errors) : readJSONLines(body, &errors)
        if !errors.isEmpty { throw Refusal.invalid(Array(errors.prefix(errorsMax))) }
        return lines
    }

    private static func readCSV(_ body: [UInt8], _ errors: inout [FieldError]) -> [LedgerLine] {
        var rows = CSVRows(body)
        var lines: [LedgerLine] = []
        do throws(CSVError) {
            guard let header = try rows.next() else {
                errors.append(PriceBookFile.error(1, nil, "required", "must be the header row"))
                return []
            }
            let places = columns.map { header.fields.firstIndex(of: $0) }
            for (name, place) in zip(columns, places) where place == nil {
                errors.append(PriceBookFile.error(header.line, name, "required", "the column is missing"))
            }
            while errors.count < errorsMax, let row = try rows.next() {
                let members = zip(columns, places).compactMap { name, place -> JSONMember? in
                    guard let place, place < row.fields.count, !row.fields[place].isEmpty else { return nil }
                    return JSONMember(name: name, value: .string(row.fields[place]))
                }
                read(.object(members), row.line, &errors, &lines)
            }
        } catch {
            errors.append(error.fieldError)
        }
        return lines
    }

    private static func readJSONLines(_ body: [UInt8], _ errors: inout [FieldError]) -> [LedgerLine] {
        var lines: [LedgerLine] = []
        for (index, text) in body.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if errors.count >= errorsMax { break }
            if text.allSatisfy({ $0 <= 0x20 }) { continue }
            do throws(JSONError) {
                read(try JSON.parse(Array(text)), index + 1, &errors, &lines)
            } catch {
                errors.append(PriceBookFile.error(index + 1, nil, "format", "is not valid JSON: \(error)"))
            }
        }
        return lines
    }

    private static func read(_ json: JSON, _ line: Int, _ errors: inout [FieldError], _ lines: inout [LedgerLine]) {
        var fields = FieldReader(json, at: "/line/\(line)")
        let ref = fields.string("external_ref", characters: 1...CreditReport.externalRefCharactersMax)
        let kind = fields.string("kind", characters: 1...64)
        let amount = fields.money("amount", in: AmountRule.movements)
        let at = fields.time("at")
        errors += fields.errors
        guard let ref, let kind, let amount, let at, fields.errors.isEmpty else { return }
        lines.append(LedgerLine(line: line, externalRef: ref, kind: kind, amount: amount, at: at))
    }
}

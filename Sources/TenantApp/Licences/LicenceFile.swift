import CallKit
import HTTPCore
import TenantRegistry

/// Stock on its way in, as CSV with a header row or as JSON (O9): each licence names its reseller (public id or
/// e-mail address), product, key and `expiration`. Read a chunk at a time. A value: one thread at a time.
struct LicenceFile: Sendable {
    private static let shape = TableShape(
        "a stock file",
        [.required("reseller"), .required("product"), .required("key"), .required("expiration", .value)])
    static let keyCharactersMax = 255
    /// JSON is a tree in memory while it is read; larger imports come as CSV.
    static let jsonBytesMax = 8 << 20

    /// One licence as the file says it; reseller and product are not looked up yet.
    struct Row: Sendable {
        /// The line of a CSV file, the index of a JSON array.
        let place: Int
        let reseller: String
        let product: String
        let key: String
        let expiresAt: Timestamp
    }

    private enum Source: Sendable {
        case csv(TableRows)
        case json(ArraySlice<JSON>)
    }

    private var source: Source
    /// What the rows stand in; nil where the body is the one licence.
    private let list: String?

    /// Throws where the body is JSON that cannot be read.
    init(_ body: [UInt8], isCSV: Bool) throws(Refusal) {
        if isCSV {
            list = "/line"
            source = .csv(TableRows(body, Self.shape))
            return
        }
        let json = try JSON.imported(body, bytesMax: Self.jsonBytesMax)
        // One licence, or many.
        guard let many = json["licences"] else {
            list = nil
            source = .json([json])
            return
        }
        var fields = FieldReader(json, refusesUnknown: true)
        fields.expectNoOthers(than: ["licences"])
        try fields.finish()
        guard case .array(let elements) = many, !elements.isEmpty else {
            throw .field("/licences", "type", "must be an array of at least one licence")
        }
        list = "/licences"
        source = .json(elements[...])
    }

    /// Where an error stands, say `/line/3/key` or `/licences/0/key`; of the one licence that is the body, `/key`.
    func pointer(_ place: Int, _ column: String?) -> String {
        "\(list.map { "\($0)/\(place)" } ?? "")\(column.map { "/\($0)" } ?? "")"
    }

    /// The next rows, at most `rowsMax`; none at the end. Faults of the rest join `errors`; false where what
    /// follows cannot be read at all.
    mutating func next(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [Row]) -> Bool {
        switch source {
        case .json(let elements):
            for index in elements.indices.prefix(rowsMax) { read(elements[index], index, &errors, &rows) }
            source = .json(elements.dropFirst(rowsMax))
            return true
        case .csv(var csv):
            defer { source = .csv(csv) }
            for _ in 0..<rowsMax {
                guard let row = csv.next(errors: &errors) else { break }
                read(row.json, row.line, &errors, &rows)
            }
            return csv.isReadable
        }
    }

    var isAtEnd: Bool {
        switch source {
        case .json(let elements): elements.isEmpty
        case .csv(let csv): csv.isAtEnd
        }
    }

    private func read(_ json: JSON, _ place: Int, _ errors: inout [FieldError], _ rows: inout [Row]) {
        var fields = FieldReader(json, at: pointer(place, nil), refusesUnknown: true)
        let reseller = fields.string("reseller", .id)
        let product = fields.string("product", characters: 1...FieldReader.skuCharactersMax, .id)
        let key = fields.string("key", characters: 1...Self.keyCharactersMax, .id)
        let expiresAt = fields.time("expiration")
        fields.expectNoOthers(than: Self.shape.names)
        errors += fields.errors
        guard let reseller, let product, let key, let expiresAt, fields.errors.isEmpty else { return }
        rows.append(Row(place: place, reseller: reseller, product: product, key: key, expiresAt: expiresAt))
    }
}

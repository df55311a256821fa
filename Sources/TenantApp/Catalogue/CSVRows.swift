/// The rows of a CSV file in memory, one after the other.
struct CSVRows: Sendable {
    private static let pieceBytes = 64 << 10

    private let body: [UInt8]
    private var place = 0
    private var reader = CSVReader()
    private var waiting: ArraySlice<CSVRow> = []
    private(set) var isAtEnd = false

    init(_ body: [UInt8]) { self.body = body }

    /// Nil at the end.
    mutating func next() throws(CSVError) -> CSVRow? {
        while waiting.isEmpty {
            if place < body.count {
                let end = min(place + Self.pieceBytes, body.count)
                waiting = try reader.feed(body[place..<end])[...]
                place = end
            } else if isAtEnd {
                return nil
            } else {
                isAtEnd = true
                if let last = try reader.finish() { waiting = [last] }
            }
        }
        return waiting.popFirst()
    }
}

package import HTTPCore

/// The rows of a CSV file in memory, one after the other. A value: one thread at a time.
package struct TableRows: Sendable {
    private static let pieceBytes = 64 << 10

    private let body: [UInt8]
    private var place = 0
    private var reader: TableReader
    private var waiting: ArraySlice<TableRow> = []
    private var isFinished = false

    package init(_ body: [UInt8], _ shape: TableShape) {
        self.body = body
        reader = TableReader(shape)
    }

    package var columns: [String] { reader.columns }

    /// Whether every row has been given.
    package var isAtEnd: Bool { isFinished && waiting.isEmpty }

    /// Whether all that was tried could be read.
    package var isReadable: Bool { !reader.isBroken }

    /// Nil at the end, or where what follows cannot be read. What is wrong with rows in between joins `errors`.
    package mutating func next(errors: inout [FieldError]) -> TableRow? {
        while waiting.isEmpty && !isFinished {
            let end = min(place + Self.pieceBytes, body.count)
            isFinished = end == body.count || reader.isBroken
            waiting = reader.feed(body[place..<end], errors: &errors)[...]
            place = end
            if isFinished { waiting += reader.finish(errors: &errors) }
        }
        return waiting.popFirst()
    }
}

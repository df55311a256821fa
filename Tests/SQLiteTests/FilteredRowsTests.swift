import SQLite
import Testing

@Suite("Lists by filters that no index serves")
struct FilteredRowsTests {
    /// So many rows: three whole looks and a half.
    private static let rows = FilteredRows.lookedAtMax * 7 / 2

    /// Every second row is of owner 1, the others of owner 2; each has its id as its number.
    private func filled() throws -> Connection {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        try connection.execute(
            """
            CREATE TABLE thing (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, number INTEGER NOT NULL) STRICT;
            CREATE INDEX thing_by_owner ON thing (owner);
            """)
        try connection.run(
            """
            WITH RECURSIVE counted (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM counted WHERE id < ?1)
            INSERT INTO thing SELECT id, 1 + id % 2, id FROM counted
            """, .int(Self.rows))
        return connection
    }

    /// All that is found, look by look: what each gave.
    private func looks(
        _ connection: Connection, numbers: ClosedRange<Int>, limit: Int, owner: Int64? = nil
    ) throws -> [[Int64]] {
        var (looks, place) = ([[Int64]](), Int64?.some(0))
        while let behind = place {
            var found = FilteredRows(
                of: "thing", behind: behind, along: owner.map { (column: "owner", value: SQLValue.integer($0)) })
            let (first, last) = (found.bind(.int(numbers.lowerBound)), found.bind(.int(numbers.upperBound)))
            found.expect("number BETWEEN \(first) AND \(last)")
            // Every third is not meant after all.
            let page = try found.page(connection, "number", limit: limit) { row -> Int64? in
                let number = try row.int()
                return number % 3 == 0 ? nil : number
            }
            looks.append(page.rows)
            place = page.next
        }
        return looks
    }

    private func meant(_ numbers: ClosedRange<Int>, where isOf: (Int) -> Bool = { _ in true }) -> [Int64] {
        numbers.filter { $0 % 3 != 0 && isOf($0) }.map(Int64.init)
    }

    @Test(
        "O1 O4 a filtered list has each row that fits once and in order, whatever a page holds", arguments: [1, 7, 100])
    func wholeList(_ limit: Int) throws {
        let connection = try filled()
        defer { connection.close() }
        let numbers = (Self.rows - 300)...(Self.rows - 1)
        let found = try looks(connection, numbers: numbers, limit: limit)
        #expect(found.flatMap { $0 } == meant(numbers))
        #expect(found.allSatisfy { $0.count <= limit })
        let ofOne = try looks(connection, numbers: numbers, limit: limit, owner: 1)
        #expect(ofOne.flatMap { $0 } == meant(numbers) { $0 % 2 == 0 })
    }

    @Test("O1 O4 one read looks at a bounded number of rows: a list that finds nothing is short, and goes on")
    func boundedLook() throws {
        let connection = try filled()
        defer { connection.close() }
        let nothing = (Self.rows + 1)...(Self.rows + 2)
        #expect(try looks(connection, numbers: nothing, limit: 10) == [[], [], [], []])
        // Half of the rows are its own.
        #expect(try looks(connection, numbers: nothing, limit: 10, owner: 2) == [[], []])
    }

    @Test("O1 O4 a page that ends where the rows end has no next one")
    func end() throws {
        let connection = try filled()
        defer { connection.close() }
        let last = Self.rows % 3 == 0 ? Self.rows - 1 : Self.rows
        #expect(try looks(connection, numbers: last...last, limit: 1).flatMap { $0 } == [Int64(last)])
        #expect(try looks(connection, numbers: 1...2, limit: 2).first == [1, 2])
    }
}

import SQLite
import Testing

@Suite("Rows are decoded or thrown")
struct RowReaderTests {
    enum Colour: Int64 {
        case red = 0
        case blue = 1
    }
    enum Size: String {
        case small
        case large
    }

    let folder: TemporaryFolder
    let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        connection = try folder.live()
        try connection.execute(
            """
            CREATE TABLE item (id INTEGER PRIMARY KEY, colour INTEGER, size TEXT, name TEXT, data BLOB) STRICT;
            CREATE TABLE price (item INTEGER, size TEXT, colour INTEGER, PRIMARY KEY (item, size)) STRICT, WITHOUT ROWID;
            INSERT INTO item VALUES (7, 1, 'small', 'seven', x'0102'), (8, 9, 'huge', CAST(x'ff61' AS TEXT), NULL);
            INSERT INTO price VALUES (7, 'small', 5);
            """)
    }

    private func fault(_ sql: String, _ read: (inout RowReader) throws -> Void) throws -> CorruptRow {
        try #require(throws: CorruptRow.self) { try connection.row(dynamic: sql, read: read) }
    }

    @Test("columns are read in the order of the list")
    func inOrder() throws {
        try connection.row("SELECT id, colour, size, name, data FROM item WHERE id = 7") { row in
            let (id, colour, size) = (try row.int(), try row.value(of: Colour.self), try row.value(of: Size.self))
            row.skip()
            let last = try row.blob(as: { $0.count == 2 ? $0[1] : nil })
            #expect(id == 7 && colour == .blue && size == .small && last == 2)
        }
    }

    @Test("a number and a name that no case has are thrown, with table, column and key")
    func unknownCases() throws {
        let number = try fault("SELECT i.id, i.colour FROM item i WHERE id = 8") {
            row in
            row.skip()
            _ = try row.value(of: Colour.self)
        }
        #expect(number.table == "item" && number.column == "colour" && number.key == "id 8" && number.rowID == 8)
        #expect(number.description == "corrupt row: item id 8, column colour: 9 means nothing")
        let name = try fault("SELECT size AS s, id FROM item WHERE id = 8") { _ = try $0.value(of: Size.self) }
        // A text may be a secret: it is not told.
        #expect(name.description == "corrupt row: item id 8, column size: it means nothing")
        let compound = try fault("SELECT item, size, colour FROM price") { row in
            row.skip(2)
            _ = try row.value(of: Colour.self)
        }
        #expect(compound.description == "corrupt row: price item 7, size small, column colour: 5 means nothing")
        #expect(compound.rowID == nil)
    }

    @Test("another type than is asked for, NULL and bytes that are no UTF-8 are thrown")
    func wrongTypes() throws {
        func check(_ column: String, _ fault: String, _ read: (inout RowReader) throws -> Void) throws {
            let found = try self.fault("SELECT \(column), id FROM item WHERE id = 8", read)
            #expect(found.description == "corrupt row: item id 8, column \(column): \(fault)")
        }
        try check("data", "it holds nothing where a blob belongs") { _ = try $0.blob() }
        try check("data", "it holds nothing where an integer belongs") { _ = try $0.int() }
        try check("size", "it holds a text where an integer belongs") { _ = try $0.optionalInt() }
        try check("colour", "it holds an integer where a text belongs") { _ = try $0.text() }
        try check("colour", "9 means nothing") { _ = try $0.bool() }
        try check("name", "its text is not UTF-8") { _ = try $0.text() }
        try check("name", "its text is not UTF-8") { _ = try $0.optionalText() }
        try check("size", "it holds a text where a blob belongs") { _ = try $0.withBlob { $0.count } }
    }

    @Test("a statement that was put together once stays prepared, and nests in itself")
    func keptStatements() throws {
        let columns = Columns<Int64>("id", "colour")
        let statement = Statement("SELECT \(columns) FROM item WHERE id >= ?1 ORDER BY id")
        let before = connection.cachedStatementCount
        for _ in 0..<3 {
            let pairs = try connection.rows(statement, .integer(7)) { row in
                let id = try row.int()
                return [id, try connection.row(statement, .integer(8)) { try $0.int() } ?? 0]
            }
            #expect(pairs == [[7, 8], [8, 8]])
        }
        #expect(connection.cachedStatementCount == before + 1)
        #expect(columns.of("i") == "i.id, i.colour")
        #expect(throws: SQLiteError.self) { try connection.run(Statement("SELECT nothing"), .int(1)) }
    }
}

import Foundation
import SQLite
import Testing

@Suite("Changes of rows, for a copy")
struct ChangeRecorderTests {
    private func connection() throws -> Connection {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        try connection.execute(
            """
            CREATE TABLE one (id BLOB PRIMARY KEY, text TEXT) STRICT, WITHOUT ROWID;
            CREATE TABLE two (id INTEGER PRIMARY KEY, number INTEGER, secret BLOB) STRICT;
            CREATE TABLE key (id INTEGER PRIMARY KEY, secret BLOB) STRICT;
            INSERT INTO one VALUES (x'01', 'a'), (x'02', 'b');
            INSERT INTO two VALUES (1, 10, NULL);
            """)
        return connection
    }

    private func rows(_ connection: Connection, _ sql: String) throws -> [String] {
        try connection.rows(dynamic: sql) { try $0.text() }
    }

    private static let ones = "SELECT hex(id) || text FROM one ORDER BY id"
    private static let twos = "SELECT id || ':' || number FROM two ORDER BY id"

    @Test("B3 what changed is applied to a copy from then, and to one from later, and both become the same")
    func applies() throws {
        let live = try connection()
        let (early, late) = (try connection(), try connection())
        defer { for each in [live, early, late] { each.close() } }
        let recorder = try ChangeRecorder(live, tables: live.tables(without: ["key"]))
        defer { recorder.close() }
        #expect(try recorder.take().isEmpty)
        var all: [[UInt8]] = []
        for sql in [
            "UPDATE one SET text = 'c' WHERE id = x'01'; INSERT INTO two VALUES (2, 20, NULL)",
            "DELETE FROM one WHERE id = x'02'; UPDATE two SET number = 21 WHERE id = 2",
            "BEGIN; DELETE FROM two; ROLLBACK; INSERT INTO one VALUES (x'03', 'd'); INSERT INTO key VALUES (1, x'AA')",
            "DELETE FROM two WHERE id = 1; UPDATE one SET text = 'e' WHERE id = x'03'",
        ] {
            try live.execute(sql)
            all.append(try recorder.take())
        }
        // As a copy is that was made while the first three came.
        try late.execute("DELETE FROM one; DELETE FROM two; INSERT INTO one VALUES (x'01', 'c'), (x'03', 'd')")
        try late.execute("INSERT INTO two VALUES (1, 10, NULL), (2, 21, NULL)")
        for copy in [early, late] {
            for changes in all { try copy.apply(changes: changes) }
            #expect(try rows(copy, Self.ones) == rows(live, Self.ones))
            #expect(try rows(copy, Self.twos) == rows(live, Self.twos))
            #expect(try copy.rows("SELECT id FROM key") { try $0.int() }.isEmpty)
        }
    }

    @Test("B3 what changed is applied to a later copy whose rows nobody may change, and no trigger fires")
    func appendOnly() throws {
        func log() throws -> Connection {
            let connection = try self.connection()
            try connection.execute(
                """
                CREATE TABLE act (id INTEGER PRIMARY KEY, text TEXT) STRICT;
                CREATE TABLE tally (id INTEGER PRIMARY KEY, count INTEGER) STRICT;
                INSERT INTO tally VALUES (1, 0);
                CREATE TRIGGER act_stays BEFORE DELETE ON act BEGIN SELECT RAISE(ABORT, 'append-only'); END;
                CREATE TRIGGER act_counts AFTER INSERT ON act BEGIN UPDATE tally SET count = count + 1; END;
                """)
            return connection
        }
        let (live, late) = (try log(), try log())
        defer { for each in [live, late] { each.close() } }
        try late.execute("PRAGMA recursive_triggers=ON")
        let recorder = try ChangeRecorder(live, tables: live.tables(without: []))
        defer { recorder.close() }
        for connection in [live, late] { try connection.execute("INSERT INTO act VALUES (1, 'one')") }
        try live.execute("INSERT INTO act VALUES (2, 'two')")
        try late.apply(changes: recorder.take())
        #expect(try rows(late, "SELECT text FROM act ORDER BY id") == ["one", "two"])
        #expect(try rows(late, "SELECT CAST(count AS TEXT) FROM tally") == ["2"])
        // They fire again afterwards.
        #expect(throws: SQLiteError.self) { try late.execute("DELETE FROM act") }
    }

    @Test("B3 rows of a table that is left out are in no change")
    func leavesOut() throws {
        let live = try connection()
        defer { live.close() }
        let recorder = try ChangeRecorder(live, tables: live.tables(without: ["key"]))
        defer { recorder.close() }
        try live.execute("INSERT INTO key VALUES (7, x'DEADBEEFDEADBEEF')")
        #expect(try recorder.take().isEmpty)
        try live.execute("INSERT INTO key VALUES (8, x'DEADBEEFDEADBEEF'); INSERT INTO two VALUES (9, 9, NULL)")
        let changes = try recorder.take()
        #expect(!changes.isEmpty && !Data(changes).contains(0xDE))
    }
}

import TestPostgres
import Testing

/// The server that the other tests run against.
@Suite struct ServerTests {
    @Test("N2 a server for tests answers, survives kill -9, and has databases of its own")
    func server() throws {
        let server = try TestPostgres()
        let database = try server.database()
        try server.run("CREATE TABLE a (b int); INSERT INTO a VALUES (7)", in: database)
        server.kill()
        #expect(throws: (any Error).self) { try server.run("SELECT 1") }
        try server.start()
        #expect(try server.run("SELECT b FROM a", in: database) == "7")
    }
}

import CSQLite

/// Transactions and savepoints, by statements that stay prepared.
extension Connection {
    package func beginImmediate() throws(SQLiteError) { try run("BEGIN IMMEDIATE") }

    /// Returns when the transaction is on the disk. After an error nothing is known of it (DESIGN 2).
    package func commit() throws(SQLiteError) { try run("COMMIT") }

    /// Does nothing where an error has ended the transaction already.
    package func rollback() throws(SQLiteError) {
        if !isAutocommit { try run("ROLLBACK") }
    }

    /// One operation of a batch, or a part of one: what `rollback(to:)` undoes.
    package enum Savepoint: Sendable {
        case operation
        case part
    }

    /// Inside a transaction only: outside one, say after FULL has ended it, its release would commit.
    package func begin(_ savepoint: Savepoint) throws(SQLiteError) {
        if isAutocommit {
            throw SQLiteError(code: SQLITE_MISUSE, message: "a savepoint outside a transaction", sql: "SAVEPOINT")
        }
        switch savepoint {
        case .operation: try run("SAVEPOINT operation")
        case .part: try run("SAVEPOINT part")
        }
    }

    package func release(_ savepoint: Savepoint) throws(SQLiteError) {
        switch savepoint {
        case .operation: try run("RELEASE operation")
        case .part: try run("RELEASE part")
        }
    }

    /// Undoes what came after the savepoint and ends it.
    package func rollback(to savepoint: Savepoint) throws(SQLiteError) {
        switch savepoint {
        case .operation:
            try run("ROLLBACK TO operation")
            try run("RELEASE operation")
        case .part:
            try run("ROLLBACK TO part")
            try run("RELEASE part")
        }
    }

    /// Commits where `body` returns, rolls back where it throws.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        try beginImmediate()
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            // What went wrong first is what the caller must learn; a transaction that is left open shows in isAutocommit.
            try? rollback()
            throw error
        }
    }
}

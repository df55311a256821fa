import CSQLite

/// Transactions and savepoints, by statements that stay prepared.
extension Connection {
    package func beginImmediate() throws(SQLiteError) { try run("BEGIN IMMEDIATE") }

    /// Returns when the transaction is on the disk. After an error nothing is known of it (0003).
    package func commit() throws(SQLiteError) { try run("COMMIT") }

    /// Does nothing where an error has ended the transaction already.
    package func rollback() throws(SQLiteError) {
        if !isAutocommit { try run("ROLLBACK") }
    }

    /// One operation of a batch begins: what `undoOperation` goes back to. Guarded, it has a savepoint, which costs a
    /// copy of every page that it writes to. Inside a transaction only: outside one, say after FULL has ended it, the
    /// release of a savepoint would commit.
    package func beginOperation(isGuarded: Bool) throws(SQLiteError) {
        if isAutocommit {
            throw SQLiteError(code: SQLITE_MISUSE, message: "an operation outside a transaction", sql: "SAVEPOINT")
        }
        if isGuarded { try run("SAVEPOINT operation") }
        operation = OperationStart(changes: totalChanges, isGuarded: isGuarded)
    }

    /// Throws where the transaction has ended under it.
    package func endOperation() throws(SQLiteError) {
        if isAutocommit {
            throw SQLiteError(code: SQLITE_ABORT, message: "the transaction has ended", sql: "RELEASE")
        }
        if operation.isGuarded { try run("RELEASE operation") }
    }

    /// Takes back what the operation has written; it goes on. Throws `SavepointNeeded` where it has written something
    /// and has no savepoint: the transaction is good for a rollback only.
    package func undoOperation() throws {
        guard totalChanges != operation.changes else { return }
        guard operation.isGuarded else { throw SavepointNeeded() }
        try run("ROLLBACK TO operation")
    }

    /// Commits where `body` returns, rolls back where it throws.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        try beginImmediate()
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            // What went wrong first is what the caller must learn; a transaction that is left open shows in
            // isAutocommit.
            try? rollback()
            throw error
        }
    }
}

/// Where an operation began: with how many rows changed on its connection, and whether there is a savepoint.
struct OperationStart {
    var changes: Int64 = 0
    var isGuarded = false
}

/// Something written by an operation has to be undone, and it has no savepoint to go back to: its transaction is rolled
/// back and all of it runs again, guarded. Let it through.
package struct SavepointNeeded: Error {}

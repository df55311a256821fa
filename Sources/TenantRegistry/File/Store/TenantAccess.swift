package import SQLite

/// Reads of one tenant's file. Bound to one `TenantID`; lives on the tenant's lane and never leaves it.
/// TenantApp adds the queries, one file a table; they are on `TenantReader` where they only read.
package class TenantReader {
    package let connection: Connection
    package let tenantID: TenantID
    // The store owns both accessors and outlives them. Asked many times a job, and written once: neither a reference is
    // counted nor an access noted.
    @exclusivity(unchecked) private unowned(unsafe) var attached: TenantStore!

    init(connection: Connection, tenantID: TenantID) {
        self.connection = connection
        self.tenantID = tenantID
    }

    func attach(_ store: TenantStore) { attached = store }

    package var store: TenantStore { attached }
    /// The same instant throughout a job, so that what a job writes agrees with itself.
    package var now: Timestamp { attached.jobInstant ?? attached.clock.now() }
    /// Nothing is charged, ended or cleared by a time of day that is not believed (G7).
    package var isClockBelieved: Bool { attached.believesClock() }
}

/// Reads and writes of one tenant's file inside one operation. Mutators exist on this type alone.
package final class TenantTransaction: TenantReader {
    /// Undoes what the operation wrote so far and goes on in it: a refusal's effect is taken back, the record of the
    /// refusal stays. Throws `SavepointNeeded`: let it through.
    package func undoEffect() throws {
        try connection.undoOperation()
        store.jobUndone()
    }

    /// Call it in every operation that changes a key, a reseller or who is owner: `change` is what the registry and
    /// memory take over.
    package func project(_ change: ProjectionChange) throws {
        let epoch = try store.projectionChanged()
        pendingProjections.append(ProjectedChange(epoch: epoch, change: change))
    }

    /// A row that this operation writes falls due then. Call it in every function that writes such a row.
    package func noteDue(_ kind: DueKind, at: Timestamp) { store.noteDue(kind, at: at) }

    /// What the running job has projected so far; taken by the pipeline when the job ends.
    package var pendingProjections: [ProjectedChange] = []
}

extension TenantTransaction {
    /// What a file says that another one replaces; nil where it is damaged there. Throws what passes: then nothing is
    /// known of it.
    package func whole<Value>(_ read: () throws -> Value) throws -> Value? {
        do {
            return try read()
        } catch let error as SQLiteError where error.isPassing {
            throw error
        } catch {
            return nil
        }
    }
}

import SQLite
package import TenantRegistry

extension TenantRecord {
    /// Something on the tenant's lane that is no call: what a test looks at in the file, or puts there.
    package func onLane<Value: Sendable>(
        writes: Bool, _ body: @escaping @Sendable (TenantStore) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        lane.submit(
            LaneJob(
                writes: writes,
                perform: { store in
                    do {
                        let value = try body(store)
                        return { _ in then(.success(value)) }
                    } catch let corrupt as CorruptRow {
                        // The lane's to tell, as of any call.
                        throw corrupt
                    } catch {
                        return { _ in then(.failure(error)) }
                    }
                },
                fail: { then(.failure($0)) }))
    }
}

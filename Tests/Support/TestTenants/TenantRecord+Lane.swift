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
                    let result = Result { try body(store) }
                    return { _ in then(result) }
                },
                fail: { then(.failure($0)) }))
    }
}

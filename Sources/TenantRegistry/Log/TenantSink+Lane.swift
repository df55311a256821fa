extension TenantSink {
    package func fate(of lsn: UInt64) -> LogFate {
        // Asked before: what is void now was not durable then.
        let isDurable = lsn <= log.durable
        if log.isVoid(lsn) { return .lost }
        return isDurable ? .durable : .pending
    }

    package var room: LogRoom { log.room }

    package func whenSettled(_ lsn: UInt64, _ then: @escaping @Sendable () -> Void) {
        log.whenDurable(lsn) { _ in then() }
    }

    package var mayShow: Bool { !log.isInDoubt(tenant) }

    package func refusal(ofWrite isWrite: Bool) -> LaneFailure {
        failure(ofLost: isWrite && log.isInDoubt(tenant))
    }

    package func whenRoomMay(_ then: @escaping @Sendable () -> Void) { log.whenDurable(log.end) { _ in then() } }
}

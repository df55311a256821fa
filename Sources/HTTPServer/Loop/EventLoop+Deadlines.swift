import HTTPCore

/// Deadlines: one number a connection, looked at by a coarse sweep (G6).
extension EventLoop {
    /// When the connection, as it stands, has taken too long; `.max` where it is not the client that is waited for.
    func deadline(of connection: Connection) -> UInt64 {
        if !connection.output.isEmpty {
            let paced = Self.nanoseconds(for: connection.outputTaken, bytesPerSecond: limits.answerBytesPerSecondMin)
            return min(connection.outputMovedAt, connection.outputStartedAt + paced)
                + nanoseconds(limits.writeStallMilliseconds)
        }
        switch connection.phase {
        case .handshake:
            return connection.openedAt + nanoseconds(limits.tlsHandshakeMilliseconds)
        case .head where connection.headStartedAt != 0:
            return connection.headStartedAt + nanoseconds(limits.headMilliseconds)
        case .head:
            let pause =
                isDraining
                ? min(limits.keepAliveMilliseconds, Self.drainedFirstByteMilliseconds) : limits.keepAliveMilliseconds
            return max(connection.idleSince, drainedAt) + nanoseconds(pause)
        case .body:
            guard let intake = connection.intake, !intake.awaitsResume else { return .max }
            let pause = nanoseconds(limits.bodyPauseMilliseconds)
            let paced = Self.nanoseconds(for: intake.received, bytesPerSecond: limits.bodyBytesPerSecondMin)
            return min(intake.movedAt, intake.startedAt + paced) + pause
        case .lingering:
            return connection.lingerStartedAt + nanoseconds(limits.lingerMilliseconds)
        case .answering, .streaming, .closing, .closed:
            return .max
        }
    }

    /// A connection that was opened just before a drain and has not spoken yet, or that may ask once more.
    static let drainedFirstByteMilliseconds = 1000

    /// How long so many bytes may take at this pace. Through 128 bits, since a body may have many gigabytes; at most
    /// half of what 64 bits hold, so that its sum with a reading of the clock fits.
    static func nanoseconds(for bytes: Int, bytesPerSecond: Int) -> UInt64 {
        let nanoseconds = UInt128(bytes) * 1_000_000_000 / UInt128(bytesPerSecond)
        return UInt64(min(nanoseconds, UInt128(UInt64.max / 2)))
    }

    private func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }

    func sweep() {
        nextSweepAt = now + nanoseconds(limits.sweepMilliseconds)
        for slot in deadlines.indices where deadlines[slot] <= now {
            guard let connection = connections[slot] else { continue }
            expire(connection)
        }
        countStates()
    }

    /// For metrics, once a sweep: exact counting at each step would cost more than it tells.
    func countStates() {
        var counted = [Int](repeating: 0, count: ConnectionState.allCases.count)
        if openCount > 0 {
            for connection in connections { if let connection { counted[connection.state.rawValue] += 1 } }
        }
        metrics.replace(states, with: counted)
        states = counted
    }

    private func expire(_ connection: Connection) {
        let isStalled = !connection.output.isEmpty
        switch connection.phase {
        case .head where !isStalled && connection.headStartedAt != 0:
            counts.refusedHeadDeadline += 1
            work(on: connection) {
                self.refuse(connection, FramingFault(status: 408, reason: "The head took too long."))
            }
        case .body where !isStalled:
            counts.refusedBodyDeadline += 1
            work(on: connection) {
                self.refuse(connection, FramingFault(status: 408, reason: "The body took too long."))
            }
        case .handshake:
            counts.refusedHandshake += 1
            close(connection)
        default:
            if isStalled { counts.refusedAnswerDeadline += 1 }
            close(connection)
        }
    }
}

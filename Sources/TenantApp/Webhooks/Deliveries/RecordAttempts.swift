import CallKit
package import TenantRegistry

/// What came of one attempt. Texts are as they are shown: printable, and short.
package struct AttemptResult: Sendable {
    package let deliveryID: Int64
    /// When it began.
    package let at: Timestamp
    package let milliseconds: Int64
    package let outcome: AttemptOutcome
    package let status: Int64?
    package let excerpt: String?
    package let address: String?
    package let retryAfter: RetryAfter?
    /// Where it was sent; nil: where its endpoint leads now.
    package let url: String?

    /// `answer`: the answer's body, of which the beginning is kept.
    package init(
        deliveryID: Int64, at: Timestamp, milliseconds: Int64, outcome: AttemptOutcome, status: Int? = nil,
        answer: [UInt8]? = nil, address: String? = nil, retryAfter: RetryAfter? = nil, url: String? = nil
    ) {
        self.deliveryID = deliveryID
        self.at = at
        self.milliseconds = milliseconds
        self.outcome = outcome
        self.status = status.map { Int64($0) }
        excerpt = answer.flatMap { Self.excerpt(of: $0) }
        self.address = address
        self.retryAfter = retryAfter
        self.url = url
    }

    /// The status alone says what a complete answer means (H3).
    package static func outcome(ofStatus status: Int) -> AttemptOutcome {
        switch status {
        case 200..<300: .delivered
        case 300..<400: .redirect
        case 410: .gone
        default: .status
        }
    }

    /// The beginning of an answer, in which everything that is no printable character is a dot; nil for an empty one.
    package static func excerpt(of answer: [UInt8]) -> String? {
        if answer.isEmpty { return nil }
        var text = ""
        // Twice as much as can be shown: bytes that are no text become shorter, none longer than three.
        for scalar in String(decoding: answer.prefix(Attempt.excerptBytesMax), as: UTF8.self).unicodeScalars {
            let shown: Unicode.Scalar = scalar.isShown ? scalar : "."
            guard text.utf8.count + shown.utf8.count <= Attempt.excerptBytesMax else { break }
            text.unicodeScalars.append(shown)
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Nothing that could steer a terminal or hide in a line.
    fileprivate var isShown: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: self != "\u{FFFD}"
        }
    }
}

/// An endpoint that an attempt has disabled.
package struct EndpointChange: Sendable, Equatable {
    package let endpointID: Int64
    package let reason: DisabledReason
}

extension TenantTransaction {
    /// Takes in what came of attempts: keeps each, moves its delivery along the schedule, and disables an endpoint that
    /// is gone or has failed for days (H3). A result for a delivery that waits no more is kept and moves nothing; only
    /// that it did arrive is always good. A result of an address that the endpoint had before says nothing of it.
    @discardableResult
    package func record(_ results: [AttemptResult]) throws -> [EndpointChange] {
        var healths: [Int64: EndpointHealth] = [:]
        var changes: [EndpointChange] = []
        for result in results {
            guard let stand = try stand(ofDelivery: result.deliveryID) else { continue }
            try insertAttempt(result, n: stand.tries + 1)
            let id = stand.endpointID
            var health = try healths[id] ?? health(ofEndpoint: id)
            let isElsewhere = result.url.map { $0 != stand.url } ?? false
            try move(stand, by: result, isElsewhere: isElsewhere, endpointAnswers: health.answers)
            guard !stand.isTest, result.outcome != .interrupted, !isElsewhere else { continue }
            health.note(result)
            healths[id] = health
            let reason: DisabledReason? =
                result.outcome == .gone ? .gone : health.isHopeless(at: result.at) ? .failing : nil
            if let reason, let endpoint = try webhookEndpoint(id: id), endpoint.state != .disabled {
                try disable(endpoint, reason)
                changes.append(EndpointChange(endpointID: id, reason: reason))
            }
        }
        for (id, health) in healths { try save(health, ofEndpoint: id) }
        return changes
    }

    private func move(
        _ stand: DeliveryStand, by result: AttemptResult, isElsewhere: Bool, endpointAnswers: Bool
    ) throws {
        var (state, attempts) = (stand.state, stand.attempts)
        var next: NextAttempt?
        let waits = state == .pending
        func soon() -> NextAttempt {
            NextAttempt(
                at: now.adding(
                    milliseconds: DeliverySchedule.spread(DeliverySchedule.interruptedMilliseconds, store.random)))
        }
        switch result.outcome {
        case .delivered where waits || state == .held || stand.isTest: state = .delivered
        case .interrupted where waits:
            next = soon()
        // It uses up no attempt either: the new address has had none.
        case _ where waits && isElsewhere:
            next = soon()
        // Nothing makes such an address better by itself (H6).
        case .addressRefused where waits:
            attempts += 1
            state = .dead
        case _ where waits:
            attempts += 1
            next = nextAttempt(after: result, failures: attempts, endpointAnswers: endpointAnswers)
            if next == nil { state = .dead }
        default: break
        }
        try save(result, of: stand, state: state, attempts: attempts, next: next)
        if state == .dead || stand.state == .held || stand.state == .dead { store.backlogChanges() }
        if let next { noteDue(.delivery, at: next.at) }
    }

    /// An endpoint that answers again gets at once what waits for it, but for what it asked to have later, and for
    /// what has failed before and fails again though the endpoint answers: that is no outage's.
    private func nextAttempt(
        after result: AttemptResult, failures: Int64, endpointAnswers: Bool
    ) -> NextAttempt? {
        let next = DeliverySchedule.next(
            afterFailure: failures, at: now, asked: result.retryAfter, random: store.random)
        guard let next else { return nil }
        if failures > 1, endpointAnswers { return NextAttempt(at: next, notBefore: next) }
        guard let asked = result.retryAfter else {
            return NextAttempt(at: next, notBefore: result.status == 429 ? next : nil)
        }
        return NextAttempt(at: next, notBefore: min(next, now.adding(milliseconds: asked.milliseconds(from: now))))
    }
}

extension EndpointHealth {
    /// Its last attempt that counts was a 2xx.
    fileprivate var answers: Bool { failuresInRow == 0 && lastSuccessAt != nil }

    fileprivate mutating func note(_ result: AttemptResult) {
        remember(isFailure: result.outcome.isFailure)
        lastOutcome = result.outcome
        lastStatus = result.status
        if result.outcome.isFailure {
            let isAnew = lastFailureAt.map { $0.adding(days: Self.silenceDaysMax) < result.at } ?? true
            if failingSince == nil || isAnew { failingSince = result.at }
            failuresInRow += 1
            lastFailureAt = result.at
        } else {
            failingSince = nil
            failuresInRow = 0
            lastSuccessAt = result.at
        }
    }

    /// Nothing but failures for days, and not all at one time. One delivery's whole schedule is shorter than that.
    fileprivate func isHopeless(at now: Timestamp) -> Bool {
        guard let failingSince, let lastFailureAt else { return false }
        return failingSince.adding(days: Self.failingDaysMax) <= now
            && failingSince.adding(seconds: Self.failuresApartHours * 3_600) <= lastFailureAt
    }
}

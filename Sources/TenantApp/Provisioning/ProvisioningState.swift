import CallKit
package import TenantRegistry

/// What a provisioner is asked to do with one unit (W13).
package enum ProvisioningVerb: String, Sendable, CaseIterable, AnswerValue {
    case create
    case suspend
    case unsuspend
    case terminate

    /// What the unit is once the verb is confirmed.
    package var result: ProvisionedState {
        switch self {
        case .create, .unsuspend: .active
        case .suspend: .suspended
        case .terminate: .terminated
        }
    }
}

/// What we want a unit to be.
package enum WantedState: String, Sendable, CaseIterable, AnswerValue {
    case active
    case suspended
    case terminated
}

/// What the provisioner last confirmed of a unit.
package enum ProvisionedState: String, Sendable, CaseIterable, AnswerValue {
    /// Nothing: it was not asked, or has not said.
    case unknown
    case active
    case suspended
    case terminated
}

/// How far the verb that is asked for is.
package enum ProvisioningPhase: String, Sendable, CaseIterable, AnswerValue {
    /// Nothing is asked for.
    case idle
    /// To be sent, or sent and not clearly answered.
    case asking
    /// Under way over there: to be asked about.
    case pending
    /// For a person: nothing is sent until somebody says so.
    case stuck
}

/// What a provisioner has said, or not said, to one call or in one callback.
package enum ProvisioningAnswer: Sendable, Equatable {
    case ready(ServiceDetails?)
    case pending
    /// A no, with its reason where there is one.
    case failed(String?)
    /// 404 or 410: over there is no such unit.
    case absent
    /// Time-out, 5xx, reset, unreadable: neither a yes nor a no.
    case unclear

    /// For lists and the log.
    package var name: String {
        switch self {
        case .ready: "ready"
        case .pending: "pending"
        case .failed: "failed"
        case .absent: "absent"
        case .unclear: "unclear"
        }
    }
}

/// One unit's life at its provisioner: a pure state machine (W13). A value: any thread.
///
/// Invariant: one verb at a time, numbered by `n`, asked for under the same id until it is answered. A later wish waits
/// behind it, and only the last one counts; only `terminated` takes the place of another verb.
package struct ProvisioningState: Sendable, Equatable {
    package var wanted: WantedState
    package var actual: ProvisionedState
    package var verb: ProvisioningVerb?
    package var n: Int64
    package var phase: ProvisioningPhase
    package var tries: Int64
    package var since: Timestamp
    package var nextAt: Timestamp?

    /// What an answer means for the unit's money, beyond the row itself.
    package enum Outcome: Sendable, Equatable {
        case nothing
        /// The unit is there: its share is captured.
        case created(ServiceDetails?)
        /// The unit will not be there: its share goes back.
        case refused(String?)
        /// Told again what is over there.
        case details(ServiceDetails)
    }

    /// A unit that was just ordered: to be created now.
    package init(orderedAt now: Timestamp) {
        self.init(
            wanted: .active, actual: .unknown, verb: .create, n: Self.createNumber, phase: .asking, tries: 0,
            since: now, nextAt: now)
    }

    package init(
        wanted: WantedState, actual: ProvisionedState, verb: ProvisioningVerb?, n: Int64, phase: ProvisioningPhase,
        tries: Int64, since: Timestamp, nextAt: Timestamp?
    ) {
        self.wanted = wanted
        self.actual = actual
        self.verb = verb
        self.n = n
        self.phase = phase
        self.tries = tries
        self.since = since
        self.nextAt = nextAt
    }

    // MARK: Terms

    /// A unit is created once, and first.
    package static let createNumber: Int64 = 1

    package static let firstPauseSeconds: Int64 = 5
    package static let pauseSecondsMax: Int64 = 600
    /// A verb without a clear answer, and a change that is refused, is asked for so long, then a person looks at it.
    package static let unclearSecondsMax: Int64 = 24 * 3600
    /// A unit that must not be there any more is asked away so often, over so many days.
    package static let terminateTriesMax: Int64 = 30
    package static let terminateSecondsMax: Int64 = 7 * 86_400
    /// 5 s, 10 s … and then every 8 hours: thirty tries take a little over six days.
    package static let terminatePauseSecondsMax: Int64 = 8 * 3600
    /// What is later than this when asking begins was kept waiting: the tenant was suspended, the node was away, what
    /// leaves was held. That time is no part of the verb's.
    package static let lateSecondsMax: Int64 = 3 * pauseSecondsMax

    // MARK: What we want

    /// A wish: what runs goes on, unless the unit is to go.
    package mutating func want(_ wish: WantedState, at now: Timestamp) {
        // What is to go never comes back.
        guard wanted != .terminated else { return }
        wanted = wish
        switch (wish, verb) {
        case (_, nil): advance(now)
        case (.terminated, .terminate?): break
        case (.terminated, _): begin(.terminate, now)
        case (_, _?):
            if phase == .stuck, verb != .create { turnBack(now) }
        }
    }

    /// A change that was not answered clearly may have been made: its opposite is asked for to be sure.
    private mutating func turnBack(_ now: Timestamp) { begin(wanted == .active ? .unsuspend : .suspend, now) }

    /// The next verb, where what is wanted is not there.
    private mutating func advance(_ now: Timestamp) {
        switch (actual, wanted) {
        case (.unknown, .active), (.unknown, .suspended): begin(.create, now)
        case (.active, .suspended): begin(.suspend, now)
        case (.suspended, .active): begin(.unsuspend, now)
        case (.unknown, .terminated), (.active, .terminated), (.suspended, .terminated): begin(.terminate, now)
        case (.active, .active), (.suspended, .suspended), (.terminated, _): rest(now)
        }
    }

    private mutating func begin(_ next: ProvisioningVerb, _ now: Timestamp) {
        verb = next
        n += 1
        askAnew(now)
    }

    private mutating func askAnew(_ now: Timestamp) {
        phase = .asking
        tries = 0
        since = now
        nextAt = now
    }

    private mutating func rest(_ now: Timestamp) {
        verb = nil
        phase = .idle
        tries = 0
        since = now
        nextAt = nil
    }

    // MARK: What they say

    /// Takes an answer to the verb that runs. Call it for `verb` and `n` alone; others are `late`. `idleUntil`: before
    /// then nobody could ask.
    package mutating func take(
        _ answer: ProvisioningAnswer, at now: Timestamp, idleUntil: Timestamp? = nil
    ) -> Outcome {
        guard let verb else { return .nothing }
        switch (answer, verb) {
        case (.ready(let details), .create):
            confirm(now)
            return .created(details)
        case (.ready(let details), _):
            confirm(now)
            return details.map { .details($0) } ?? .nothing
        case (.absent, .terminate):
            confirm(now)
            return .nothing
        case (.failed(let reason), .create):
            giveBack(now)
            return .refused(reason)
        case (.absent, .create):
            giveBack(now)
            return .refused(nil)
        case (.pending, _):
            if phase == .asking {
                phase = .pending
                // Of a change it is counted how often it was sent, whatever was under way in between.
                tries = verb == .create ? 0 : tries + 1
            }
            askAgain(now, idleUntil)
            return .nothing
        case (.failed, _), (.absent, _):
            refuse(verb, now, idleUntil)
            return .nothing
        case (.unclear, _):
            askAgain(now, idleUntil)
            return .nothing
        }
    }

    /// A no to a change. Money and service have moved already: it is sent on, unless it is not wanted any more.
    private mutating func refuse(_ change: ProvisioningVerb, _ now: Timestamp, _ idleUntil: Timestamp?) {
        switch (change.result.isAs(wanted), phase) {
        case (true, .pending):
            // What was under way came to nothing: it is sent anew, under the same id.
            phase = .asking
            pause(now, idleUntil)
        case (true, _): askAgain(now, idleUntil)
        // The try that was answered may not have been the only one; one that is under way is counted already.
        case (false, _) where tries > (phase == .pending ? 1 : 0) && wanted != .terminated: turnBack(now)
        case (false, _): advance(now)
        }
    }

    private mutating func confirm(_ now: Timestamp) {
        if let verb { actual = verb.result }
        advance(now)
    }

    /// The unit will not be sold: whatever may be over there goes.
    private mutating func giveBack(_ now: Timestamp) {
        wanted = .terminated
        actual = .unknown
        advance(now)
    }

    private mutating func stop() {
        phase = .stuck
        nextAt = nil
    }

    private mutating func askAgain(_ now: Timestamp, _ idleUntil: Timestamp?) {
        // A callback that says nothing clear leaves it with the person who sees to it.
        if phase == .stuck { return }
        if !isChanging { tries += 1 }
        pause(now, idleUntil)
    }

    /// A change that is under way over there: asked about for as long as it has time, however often.
    private var isChanging: Bool { verb != .create && phase == .pending }

    /// Until the next try; for good where the verb has had its tries or its time. Its turn among others, however late
    /// it comes, is part of its time.
    private mutating func pause(_ now: Timestamp, _ idleUntil: Timestamp?) {
        if let due = nextAt, let idleUntil, idleUntil.isPast(due, seconds: Self.lateSecondsMax) {
            since = since.adding(milliseconds: idleUntil.milliseconds - due.milliseconds)
        }
        let secondsMax = verb == .terminate ? Self.terminateSecondsMax : Self.unclearSecondsMax
        let hasHadTries = verb == .terminate && !isChanging && tries >= Self.terminateTriesMax
        if hasHadTries || now.isPast(since, seconds: secondsMax) { return stop() }
        nextAt = now.adding(seconds: pauseSeconds(now))
    }

    /// Doubled after each try. Asking about a change goes by its age, which comes to the same: its tries are those of
    /// sending it.
    private func pauseSeconds(_ now: Timestamp) -> Int64 {
        if isChanging {
            return min(Self.pauseSecondsMax, Self.firstPauseSeconds + max(0, now.seconds - since.seconds))
        }
        let most = verb == .terminate ? Self.terminatePauseSecondsMax : Self.pauseSecondsMax
        return min(most, Self.firstPauseSeconds << min(max(tries - 1, 0), 20))
    }

    /// Something came that is not about the verb that runs. A unit that was made after it had been given up must go
    /// again; anything else is old news. True where that changed the row.
    package mutating func takeLate(_ answer: ProvisioningAnswer, of late: ProvisioningVerb, at now: Timestamp) -> Bool {
        guard case .ready = answer, late == .create, wanted == .terminated else { return false }
        // What was answered so far may have been answered before the unit was there: a new number asks for it again.
        actual = .unknown
        begin(.terminate, now)
        return true
    }

    // MARK: What a person says

    /// Asks now, under the same id, with all its time before it; nothing where nothing is asked for.
    package mutating func retry(at now: Timestamp) {
        if verb != nil { askAnew(now) }
    }

    /// Somebody has seen to it, or stops the trying: it counts as done.
    package mutating func settle(at now: Timestamp) { confirm(now) }

    // MARK: How it is shown

    /// One word for lists and services.
    package var shown: Shown {
        switch (verb, phase) {
        case (nil, _):
            switch actual {
            case .unknown: .new
            case .active: .active
            case .suspended: .suspended
            case .terminated: .terminated
            }
        case (.terminate?, .stuck): .orphan
        case (_?, .stuck): .stuck
        case (.create?, _): .creating
        case (.suspend?, _): .suspending
        case (.unsuspend?, _): .unsuspending
        case (.terminate?, _): .terminating
        }
    }

    package enum Shown: String, Sendable, CaseIterable, AnswerValue {
        case new
        case creating
        case active
        case suspending
        case suspended
        case unsuspending
        case terminating
        case terminated
        /// No clear answer in its time, or nothing but a no to a change: for a person.
        case stuck
        /// It may still be over there, and nobody pays for it: for a person.
        case orphan
    }
}

extension ProvisionedState {
    func isAs(_ wanted: WantedState) -> Bool { rawValue == wanted.rawValue }
}

extension Timestamp {
    fileprivate func isPast(_ start: Timestamp, seconds: Int64) -> Bool { self >= start.adding(seconds: seconds) }
}

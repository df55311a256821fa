import CallKit
import SQLite
import TenantRegistry

/// Every delivery has its event and an endpoint of the same reseller and book, its state goes with when it is due, and
/// the attempts that are kept are those that it says (H3).
enum DeliveryCheck {
    static func run(_ file: inout VerifiedFile) throws {
        try checkOwners(&file)
        guard file.version >= Migration0015.version else { return }
        try checkStates(&file)
        try checkAttempts(&file)
        try checkCounts(&file)
        try checkEndpoints(&file)
    }

    private static func checkOwners(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT d.id, e.reseller_id, e.book, w.reseller_id, w.book
            FROM delivery d LEFT JOIN event e ON e.id = d.event_id
                LEFT JOIN webhook_endpoint w ON w.id = d.endpoint_id
            ORDER BY d.id
            """
        ) { row in
            file.report.counts.deliveries += 1
            let id = try row.int()
            let event = (reseller: try row.optionalInt(), book: try row.optionalInt())
            let endpoint = (reseller: try row.optionalInt(), book: try row.optionalInt())
            if event.reseller == nil { file.report.add(.outbox, "delivery", id, "The delivery's event is missing.") }
            if endpoint.reseller == nil {
                file.report.add(.outbox, "delivery", id, "The delivery's endpoint is missing.")
            }
            if event.reseller != nil, endpoint.reseller != nil, event != endpoint {
                file.report.add(
                    .outbox, "delivery", id,
                    "The delivery takes an event of one reseller or book to another's endpoint.")
            }
            return true
        }
    }

    private static func checkStates(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT d.id, d.state, d.next_at IS NULL, d.attempts, d.tries, d.first_at IS NULL, d.is_test,
                d.type = coalesce(e.type, d.type) AND d.book = coalesce(e.book, d.book)
                    AND d.reseller_id = coalesce(e.reseller_id, d.reseller_id)
            FROM delivery d LEFT JOIN event e ON e.id = d.event_id ORDER BY d.id
            """
        ) { row in
            let (id, state, isNeverDue) = (try row.int(), try row.text(), try row.bool())
            let (attempts, tries, isUntried) = (try row.int(), try row.int(), try row.bool())
            let (isTest, isItsEvents) = (try row.bool(), try row.bool())
            func add(_ text: String) { file.report.add(.outbox, "delivery", id, text) }
            let isPending = state == DeliveryState.pending.rawValue
            if isPending && isNeverDue { add("The delivery is pending and never due: it would be lost.") }
            if !isPending && !isNeverDue { add("The delivery is \(state), and due as if it were pending.") }
            if isTest && isPending { add("The delivery is a test and pending: tests are sent once.") }
            if !isItsEvents { add("The delivery says another type, reseller or book than its event.") }
            if !(0...DeliverySchedule.attemptsMax).contains(attempts) || attempts > tries {
                add("The delivery says \(attempts) failures in \(tries) attempts.")
            }
            if isUntried != (tries == 0) { add("The delivery's first attempt does not go with its \(tries) attempts.") }
            return true
        }
    }

    /// The last ones are kept, one after the other, and the last of them is what the delivery says of it.
    private static func checkAttempts(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT d.id, d.state, d.tries, d.last_outcome, d.last_status,
                (SELECT count(*) FROM attempt a WHERE a.delivery_id = d.id),
                (SELECT max(n) FROM attempt a WHERE a.delivery_id = d.id),
                (SELECT outcome FROM attempt a WHERE a.delivery_id = d.id AND a.n = d.tries),
                (SELECT status FROM attempt a WHERE a.delivery_id = d.id AND a.n = d.tries),
                EXISTS (SELECT 1 FROM attempt a WHERE a.delivery_id = d.id AND a.outcome = 'delivered')
            FROM delivery d ORDER BY d.id
            """
        ) { row in
            let (id, state, tries) = (try row.int(), try row.text(), try row.int())
            let said = (outcome: try row.optionalText(), status: try row.optionalInt())
            let (count, last) = (try row.int(), try row.optionalInt())
            let kept = (outcome: try row.optionalText(), status: try row.optionalInt())
            let hasArrived = try row.bool()
            func add(_ text: String) { file.report.add(.outbox, "delivery", id, text) }
            if count != min(tries, Attempt.keptMax) || last ?? 0 != tries {
                add("The delivery says \(tries) attempts; \(count) are kept, to number \(last ?? 0).")
            } else if said != kept {
                add("The delivery says another end of its last attempt than the attempt.")
            }
            if state == DeliveryState.delivered.rawValue && !hasArrived {
                add("The delivery is delivered, and no attempt says so.")
            }
            return true
        }
        try file.connection.forEach(
            """
            SELECT DISTINCT delivery_id FROM attempt a
            WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = a.delivery_id)
            """
        ) { row in
            file.report.add(.outbox, "attempt", try row.int(), "The attempt's delivery is missing.")
            return true
        }
    }

    private static func checkCounts(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT endpoint_id, state, sum(said), sum(there) FROM (
                SELECT endpoint_id, state, count AS said, 0 AS there FROM delivery_count
                UNION ALL SELECT endpoint_id, state, 0, count(*) FROM delivery GROUP BY endpoint_id, state)
            GROUP BY endpoint_id, state HAVING sum(said) <> sum(there)
            """
        ) { row in
            let (id, state, said, there) = (try row.int(), try row.text(), try row.int(), try row.int())
            file.report.add(
                .outbox, "delivery_count", id, "It says that \(said) deliveries are \(state); there are \(there).")
            return true
        }
    }

    private static func checkEndpoints(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT id FROM webhook_endpoint
            WHERE (state = 'disabled') <> (disabled_reason IS NOT NULL)
                OR (state = 'disabled') <> (disabled_at IS NOT NULL)
            """
        ) { row in
            file.report.add(
                .outbox, "webhook_endpoint", try row.int(), "The endpoint's state does not go with why it is disabled.")
            return true
        }
        try file.connection.forEach(
            """
            SELECT endpoint_id FROM endpoint_health
            WHERE (failing_since IS NULL) <> (failures_in_row = 0) OR failing_since > last_failure_at
            """
        ) { row in
            file.report.add(
                .outbox, "endpoint_health", try row.int(), "How it fails does not go with since when.")
            return true
        }
    }
}

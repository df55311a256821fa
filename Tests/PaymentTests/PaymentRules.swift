import CallKit
import Cryptography
import SQLite
import Synchronization
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct PaymentRules {
    @Test(
        "A6 a payment leaves pending once; money against what was decided is for a person",
        arguments: PaymentState.allCases, PaymentReport.allCases)
    func decisions(state: PaymentState, report: PaymentReport) {
        let decision = PaymentDecision(report, in: state)
        if state == .pending {
            #expect(decision == .move(report.state))
        } else if (state == .confirmed) == (report == .confirmed) {
            #expect(decision == .nothing)
        } else {
            #expect(decision == .contradiction)
        }
    }

    @Test("A6 a confirmation credits once, however often it comes; the posting names the order")
    func once() throws {
        try withTill { till, _ in
            let payment = try till.begin()
            #expect(payment.orderID.hasPrefix("reseller_topup_\(payment.resellerID)_") && payment.driver == .http)
            #expect(try till.balance() == 0)
            for _ in 0..<3 { #expect(try till.report(payment) == .done) }
            #expect(try till.balance() == 50_000_000)
            let reseller = till.shop.resellerIDs[0]
            let statement = try till.node.read(till.record) {
                try $0.statement(resellerID: reseller, book: .live, before: nil, limit: 10)
            }
            #expect(statement.map(\.reference) == [payment.orderID] && statement.map(\.kind) == [.topUp])
        }
    }

    @Test(
        "A6 another amount or currency moves nothing; it is kept once and opens one review",
        arguments: [("49.99", "EUR"), ("50.00", "USD"), ("50.000001", "EUR"), ("-50.00", "EUR"), ("much", "EUR")])
    func differs(amount: String, currency: String) throws {
        try withTill { till, _ in
            let payment = try till.begin()
            for report in [PaymentReport.confirmed, .confirmed, .failed] {
                #expect(try till.report(payment, report, amount: amount, currency: currency) == .refused)
            }
            #expect(try till.read(payment).state == .pending && till.balance() == 0 && till.openReviews() == 1)
            let kept = try till.node.read(till.record) {
                try $0.paymentDifferences(ofPayment: payment.id, limit: 10).map(\.status)
            }
            #expect(kept == ["confirmed", "failed"])
            #expect(try till.report(payment, amount: "50.0") == .done)
            #expect(try till.balance() == 50_000_000)
        }
    }

    @Test(
        "A6 nobody decides a payment in time: it is expired to whoever reads it, and money that comes later is credited"
    )
    func expiry() throws {
        try withTill { till, _ in
            let payment = try till.begin()
            till.node.clock.advance(seconds: PaymentTerms.seconds - 1)
            #expect(try till.read(payment).state(at: till.node.clock.now()) == .pending)
            till.node.clock.advance(seconds: 1)
            #expect(try till.read(payment).state(at: till.node.clock.now()) == .expired)
            var filter = PaymentFilter(book: .live)
            filter.state = .expired
            let expired = try till.node.read(till.record) { [filter] in
                try $0.payments(filter, before: .max, limit: 10).map(\.id)
            }
            #expect(expired == [payment.id])
            #expect(try till.report(payment) == .done)
            #expect(try till.read(payment).state(at: till.node.clock.now()) == .confirmed)
            #expect(try till.balance() == 50_000_000)
        }
    }

    @Test("A6 X7 test keys are the sandbox's whatever is configured; live ones are nobody's where nothing is")
    func drivers() throws {
        try withTill(driver: nil) { till, _ in
            #expect(throws: Refusal.noPaymentService) { try till.begin() }
            let payment = try till.begin(book: .test)
            #expect(payment.driver == .sandbox)
            try till.report(payment)
            #expect(try till.balance() == 0 && till.balance(book: .test) == 50_000_000)
        }
        try withTill { till, _ in
            let payment = try till.begin(book: .test)
            #expect(payment.driver == .sandbox)
        }
        try withTill(driver: .sandbox) { till, _ in
            let payment = try till.begin()
            #expect(payment.driver == .sandbox)
        }
    }

    @Test("A6 a call that was cut off is gone on with by its Idempotency-Key, for its amount and while it is pending")
    func resumed() throws {
        try withTill { till, _ in
            let first = try till.begin(key: "k")
            #expect(try till.begin(key: "k").id == first.id)
            #expect(throws: Refusal.idempotencyKeyReused) { try till.begin(micros: 60_000_000, key: "k") }
            #expect(try till.begin(1, key: "k").id != first.id && till.begin(book: .test, key: "k").id != first.id)
            till.node.clock.advance(seconds: PaymentTerms.seconds)
            let second = try till.begin(key: "k")
            #expect(second.id != first.id)
            let outcome = Result<CreatedPayment, PaymentFailure>.success(
                CreatedPayment(reference: "pp_1", url: "https://pay.example/1"))
            _ = try till.node.write(till.record) { tenant, detail in
                try FinishTopUp(paymentID: second.id, outcome: outcome).run(tenant, &detail).paymentURL
            }
            #expect(try till.begin(key: "k").id != second.id)
        }
    }

    @Test("A6 G4 a call that was cut off after its money came is that payment under its Idempotency-Key")
    func paidUnanswered() throws {
        try withTill { till, _ in
            let first = try till.begin(key: "k")
            try till.report(first)
            let again = try till.begin(key: "k")
            #expect(again.id == first.id && again.state == .confirmed && again.paymentURL == nil)
            #expect(throws: Refusal.idempotencyKeyReused) { try till.begin(micros: 60_000_000, key: "k") }
            #expect(try till.begin(1, key: "k").id != first.id && till.begin(key: "l").id != first.id)
            #expect(try till.balance() == 50_000_000)
        }
    }

    @Test("A6 a report that comes before the service's answer was written stays; a failed call decides nothing twice")
    func early() throws {
        try withTill { till, _ in
            let payment = try till.begin()
            try till.report(payment)
            for outcome: Result<CreatedPayment, PaymentFailure> in [
                .failure(.busy), .success(CreatedPayment(reference: "pp_1", url: "https://pay.example/1")),
                .success(CreatedPayment(reference: "pp_2", url: "https://pay.example/2")), .failure(.busy),
            ] {
                _ = try till.node.write(till.record) { tenant, detail in
                    try FinishTopUp(paymentID: payment.id, outcome: outcome).run(tenant, &detail).id
                }
            }
            let now = try till.read(payment)
            #expect(now.state == .confirmed && now.paymentURL == "https://pay.example/1")
            #expect(try till.balance() == 50_000_000)
        }
    }

    @Test(
        "A6 whatever reports come in whatever order, balances are those of a simple model and the file verifies",
        arguments: [1, 2, 3])
    func model(seed: UInt64) throws {
        try withTill(seed: seed) { till, _ in
            let random = SeededPick(seed)
            var payments: [(payment: Payment, state: PaymentState, reseller: Int)] = []
            var balances: [Int64] = [0, 0]
            var disputed: Set<Int64> = []
            for _ in 0..<300 {
                if payments.isEmpty || random.below(4) == 0 {
                    let reseller = random.below(2)
                    let micros = Int64(10 + random.below(90)) * 1_000_000
                    payments.append((try till.begin(reseller, micros: micros), .pending, reseller))
                    continue
                }
                let place = random.below(payments.count)
                let (payment, state, reseller) = payments[place]
                let report = PaymentReport.allCases[random.below(3)]
                let isRight = random.below(5) > 0
                let outcome = try till.report(payment, report, amount: isRight ? nil : "10.01")
                switch (isRight, state, report) {
                case (false, _, _):
                    #expect(outcome == .refused)
                    disputed.insert(payment.id)
                case (true, .pending, _):
                    #expect(outcome == .done)
                    payments[place].state = report.state
                    if report == .confirmed { balances[reseller] += payment.amount.micros }
                case (true, .confirmed, .confirmed): #expect(outcome == .done)
                case (true, .confirmed, _), (true, _, .confirmed):
                    #expect(outcome == .kept)
                    disputed.insert(payment.id)
                default: #expect(outcome == .done)
                }
                #expect(try till.read(payment).state == payments[place].state)
                #expect(try till.balance(reseller) == balances[reseller])
                #expect(try till.openReviews() == disputed.count)
            }
        }
    }

    @Test("A6 calls that repeat one under way join it: the service is asked once")
    func joined() {
        let begun = PaymentsBegun()
        let told = Mutex<[String]>([])
        let asked = Mutex<[PaymentsBegun.Arrived]>([])
        for _ in 0..<3 {
            let isJoined = begun.join("order") { outcome in
                told.withLock { $0.append((try? outcome.get().url) ?? "none") }
            } begin: { arrived in
                asked.withLock { $0.append(arrived) }
            }
            #expect(isJoined)
        }
        let first = asked.withLock { $0 }
        #expect(first.count == 1 && told.withLock { $0.isEmpty })
        first[0](.success(CreatedPayment(reference: "r", url: "u")))
        #expect(told.withLock { $0 } == ["u", "u", "u"])
        _ = begun.join("order") { _ in
        } begin: { _ in
            asked.withLock { $0.append { _ in } }
        }
        #expect(asked.withLock { $0.count } == 2)
    }
}

/// Picks by a seed. One thread.
private final class SeededPick {
    private let random: SeededRandom
    init(_ seed: UInt64) { random = SeededRandom(seed: seed) }
    func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }
}

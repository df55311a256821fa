import Foundation
import TenantApp

/// What becomes of services of one reseller, by the rules as the contract words them, in plain integers and with
/// another calendar: nothing here calls the domain. Amounts are cents, prices micros, times milliseconds.
struct RentModel {
    enum State { case active, pastDue, suspended, ended }

    struct Unit {
        let number: Int
        let term: Term
        let anchor: Int64
        /// Each with the first charge that it holds for.
        var prices: [(from: Int, price: Int64)]
        var state = State.active
        var isUnpaid = false
        /// Periods that were paid, or charges of hours that were made.
        var charges: [Int64] = []
        var due: Int64?
        var ends: Int64?
        var firstTry: Int64?
        var nextTry: Int64?
        /// Of hours: until when they are counted, how many they are, and what they come to in picos.
        var counted: Int64 = 0
        var hours: Int64 = 0
        var chargedHours: Int64 = 0
        var picos: Int64 = 0
        var charged: Int64 = 0

        func price(of charge: Int) -> Int64 { prices.last { $0.from <= charge }?.price ?? 0 }

        var runs: Bool { state == .active || state == .pastDue }
        /// When it is looked at next.
        var at: Int64? {
            if state == .active { return ends == nil ? due : nil }
            return nextTry
        }
    }

    static let hour: Int64 = 3_600_000
    static let day: Int64 = 86_400_000
    static let rate: Int64 = 50_000

    var units: [Unit] = []
    var balance: Int64 = 0

    /// Months by Foundation's calendar, days by counting.
    static func start(_ unit: Unit, _ number: Int) -> Int64 {
        let months: [Term: Int] = [.monthly: 1, .quarterly: 3, .semiAnnual: 6, .annual: 12]
        guard let count = months[unit.term] else { return unit.anchor + Int64(number) * day }
        let anchor = Date(timeIntervalSince1970: Double(unit.anchor) / 1000)
        let moved = calendar.date(byAdding: .month, value: count * number, to: anchor) ?? anchor
        return Int64((moved.timeIntervalSince1970 * 1000).rounded())
    }

    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "UTC") ?? calendar.timeZone
        return calendar
    }()

    mutating func order(_ term: Term, price: Int64, at now: Int64) {
        var unit = Unit(number: units.count, term: term, anchor: now, prices: [(0, price)])
        unit.due = Self.start(unit, 1)
        unit.counted = now
        if term != .hourly { balance -= cents(price) }
        units.append(unit)
    }

    func cents(_ price: Int64) -> Int64 { (price * (1_000_000 - Self.rate) + 5_000_000_000) / 10_000_000_000 }

    // MARK: One unit

    /// The first daily charge after `instant`.
    private static func nextDay(_ unit: Unit, _ instant: Int64) -> Int64 {
        unit.anchor + ((instant - unit.anchor) / day + 1) * day
    }

    private func count(_ unit: inout Unit, until instant: Int64) {
        while unit.counted < instant {
            unit.counted += Self.hour
            unit.hours += 1
        }
    }

    /// Tries to charge; false where there is too little.
    private mutating func charge(_ place: Int, _ now: Int64) -> Bool {
        var unit = units[place]
        let amount: Int64
        if unit.term == .hourly {
            if unit.runs, let due = unit.due {
                count(&unit, until: due)
                unit.due = due + Self.day
            }
            let hours = unit.hours - unit.chargedHours
            unit.picos += hours * unit.price(of: unit.charges.count + 1) * (1_000_000 - Self.rate)
            unit.chargedHours = unit.hours
            // Half up, and at its end up: what is more than nothing is never free.
            let total = (unit.picos + (unit.state == .ended ? 9_999_999_999 : 5_000_000_000)) / 10_000_000_000
            amount = total - unit.charged
            unit.charged = total
            if hours > 0 || amount > 0 { unit.charges.append(amount) }
        } else {
            amount = cents(unit.price(of: unit.charges.count + 1))
            unit.charges.append(amount)
            unit.due = Self.start(unit, unit.charges.count + 1)
        }
        guard amount == 0 || amount <= balance else { return false }
        balance -= amount
        if unit.state == .suspended && unit.isUnpaid { resume(&unit, now) }
        if unit.state == .pastDue { unit.state = .active }
        (unit.firstTry, unit.nextTry) = (nil, nil)
        units[place] = unit
        return true
    }

    private func resume(_ unit: inout Unit, _ now: Int64) {
        unit.state = .active
        unit.isUnpaid = false
        guard unit.term == .hourly else { return }
        unit.counted = max(unit.counted, now)
        unit.due = unit.ends == nil ? Self.nextDay(unit, now) : nil
    }

    private mutating func fail(_ place: Int, _ now: Int64) {
        var unit = units[place]
        let isOver = unit.firstTry.map { now >= $0 + 7 * Self.day } ?? false
        if unit.state == .pastDue && isOver {
            if unit.term == .hourly { count(&unit, until: now) }
            unit.state = .suspended
            unit.isUnpaid = true
        }
        if unit.state == .active { unit.state = .pastDue }
        unit.firstTry = unit.firstTry ?? now
        if let first = unit.firstTry {
            // At the earliest a day after it was due, though the clock was set back.
            var daily = (unit.due ?? first) + Self.day
            while daily <= now { daily += Self.day }
            let last = first + 7 * Self.day
            unit.nextTry = isOver ? nil : last - daily < Self.hour ? last : daily
        }
        units[place] = unit
    }

    // MARK: What happens

    /// Everything that is due: terms, then hours, then ends; each oldest first.
    mutating func tick(_ now: Int64) {
        for isHourly in [false, true] {
            while let place = first({ ($0.term == .hourly) == isHourly ? $0.at : nil }, now) {
                if !charge(place, now) { fail(place, now) }
            }
        }
        while let place = first({ $0.state == .ended ? nil : $0.ends }, now) {
            end(place, units[place].ends ?? now, now)
        }
    }

    private func first(_ at: (Unit) -> Int64?, _ now: Int64) -> Int? {
        units.indices.filter { at(units[$0]).map { $0 <= now } ?? false }
            .min { (at(units[$0]) ?? 0, $0) < (at(units[$1]) ?? 0, $1) }
    }

    mutating func topUp(_ cents: Int64, _ now: Int64) {
        balance += cents
        var left = Set(units.indices.filter { units[$0].firstTry != nil })
        while let place = left.min(by: { key($0) < key($1) }) {
            left.remove(place)
            guard charge(place, now) else {
                if units[place].state == .active { fail(place, now) }
                continue
            }
            if units[place].runs, let due = units[place].due, due <= now { left.insert(place) }
        }
    }

    private func key(_ place: Int) -> (Int64, Int) { (units[place].due ?? units[place].firstTry ?? 0, place) }

    /// What has begun keeps its price, whenever it is paid: months by where they begin, hours by the day of the charge.
    /// Months that are owed get no dearer, but cheaper.
    mutating func reprice(_ term: Term, _ price: Int64, _ now: Int64) {
        for place in units.indices
        where units[place].term == term && units[place].state != .ended && units[place].ends == nil
            && units[place].prices.last?.price != price
        {
            let unit = units[place]
            let next = chargesBegun(unit, now) + 1
            let owed = unit.term == .hourly ? [] : Array(unit.charges.count + 1..<next)
            units[place].prices.append((from: owed.first { unit.price(of: $0) > price } ?? next, price: price))
        }
    }

    /// The number of the last charge whose time has begun, were all paid.
    private func chargesBegun(_ started: Unit, _ now: Int64) -> Int {
        var unit = started
        var number = unit.charges.count
        guard unit.term == .hourly else {
            while Self.start(unit, number + 1) <= now { number += 1 }
            return number
        }
        while unit.runs, let due = unit.due, due <= now {
            count(&unit, until: due)
            if unit.hours > unit.chargedHours { number += 1 }
            unit.chargedHours = unit.hours
            unit.due = due + Self.day
        }
        return number + 1
    }

    mutating func suspend(_ place: Int, _ now: Int64) -> Bool {
        guard units[place].runs else { return false }
        if units[place].term == .hourly { count(&units[place], until: now) }
        units[place].state = .suspended
        units[place].isUnpaid = false
        if units[place].term == .hourly {
            units[place].due = nil
            settle(place, now)
        } else {
            (units[place].firstTry, units[place].nextTry) = (nil, nil)
        }
        return true
    }

    /// Hours that have stopped are charged, or owed.
    private mutating func settle(_ place: Int, _ now: Int64) {
        if !charge(place, now) { fail(place, now) }
    }

    mutating func resume(_ place: Int, _ now: Int64) -> Bool {
        guard units[place].state == .suspended else { return false }
        (units[place].firstTry, units[place].nextTry) = (nil, nil)
        resume(&units[place], now)
        while units[place].runs, units[place].ends == nil, let due = units[place].due, due <= now {
            if !charge(place, now) {
                fail(place, now)
                break
            }
        }
        return true
    }

    mutating func cancel(_ place: Int, _ now: Int64) -> Bool {
        guard units[place].state != .ended else { return false }
        end(place, now, now)
        return true
    }

    private mutating func end(_ place: Int, _ instant: Int64, _ now: Int64) {
        if units[place].term == .hourly, units[place].runs { count(&units[place], until: instant) }
        units[place].state = .ended
        (units[place].due, units[place].isUnpaid) = (nil, false)
        if units[place].term == .hourly {
            units[place].nextTry = nil
            settle(place, now)
        } else {
            (units[place].firstTry, units[place].nextTry) = (nil, nil)
        }
    }

    mutating func endWithTerm(_ place: Int, _ now: Int64) -> Bool {
        let unit = units[place]
        guard unit.state != .ended else { return false }
        if unit.ends != nil { return true }
        var end = unit.due ?? now
        if unit.term == .hourly {
            end = unit.counted
            while end < now { end += Self.hour }
        }
        if unit.state == .pastDue || unit.isUnpaid || end <= now || (unit.term == .hourly && !unit.runs) {
            return cancel(place, now)
        }
        units[place].ends = end
        units[place].due = nil
        return true
    }

    mutating func takeBack(_ place: Int, _ now: Int64) -> Bool {
        guard units[place].state != .ended, let ends = units[place].ends, ends > now else { return false }
        units[place].ends = nil
        if units[place].term != .hourly {
            units[place].due = ends
        } else if units[place].runs {
            units[place].due = Self.nextDay(units[place], now)
        }
        return true
    }
}

/// A place that breaks a rule. `what` is the word or name that does, which an `Allowance` repeats.
struct Violation: Sendable, Equatable {
    let path: String
    let line: Int
    let what: String
    let says: String

    init(_ path: String, _ line: Int, _ what: String, _ says: String) {
        (self.path, self.line, self.what, self.says) = (path, line, what, says)
    }

    var text: String { "\(path):\(line): \(what): \(says)" }
}

/// Places that may break a rule for now, counted. The list may only shrink: a number that is too high fails too.
struct Allowance: Sendable {
    let path: String
    let what: String
    let count: Int
    let reason: String

    init(_ path: String, _ what: String, _ reason: String, times count: Int = 1) {
        (self.path, self.what, self.count, self.reason) = (path, what, count, reason)
    }
}

/// Of places that break one rule in one file so many are shown.
private let shownMax = 10

/// What is wrong once the allowances are taken off: too many violations, or too few for the list.
func complaints(_ violations: [Violation], _ allowances: [Allowance] = []) -> [String] {
    struct Place: Hashable {
        let path: String
        let what: String
    }
    let places = Dictionary(grouping: violations) { Place(path: $0.path, what: $0.what) }
    var allowed: [Place: Int] = [:]
    for allowance in allowances {
        allowed[Place(path: allowance.path, what: allowance.what), default: 0] += allowance.count
    }
    var found: [String] = []
    for (place, here) in places where here.count > allowed[place, default: 0] {
        let known = allowed[place].map { " (\(here.count) times, \($0) are allowed)" } ?? ""
        found += here.suffix(shownMax).map { $0.text + known }
    }
    for (place, count) in allowed where places[place, default: []].count < count {
        found.append(
            "\(place.path): \(place.what): allowed \(count) times, found \(places[place, default: []].count) times: "
                + "shorten the list")
    }
    return found.sorted()
}

import HTTPCore
import RateLimiter

/// A command line that was understood: every option is one of the command's, required ones are there. A value.
struct Invocation: Sendable {
    let command: Command
    let arguments: [String]
    /// By the option's own name, in the order given; a flag's value is empty.
    let options: [String: [String]]
    let environment: [String: String]

    func has(_ name: String) -> Bool { options[name] != nil }

    func text(_ name: String) -> String? { options[name]?.last }

    func texts(_ name: String) -> [String] { options[name] ?? [] }

    /// A time, or a day, which stands for its first instant in UTC.
    func time(_ name: String) -> String? {
        guard let text = text(name) else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let isDay = parts.map(\.utf8.count) == [4, 2, 2] && parts.allSatisfy { UInt($0) != nil }
        return isDay ? "\(text)T00:00:00Z" : text
    }

    /// For options that the table says are required.
    func required(_ name: String) throws(CommandFailure) -> String {
        guard let value = text(name) else { throw .usage("\(name) is missing") }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(CommandFailure) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .usage("\(name) takes a number from \(range.lowerBound) to \(range.upperBound), not “\(text)”")
        }
        return number
    }

    /// `R/W` or `R/W/B`: requests, seconds, burst; the burst is the requests where it is left out (O2).
    static func policy(_ text: String, of name: String) throws(CommandFailure) -> Policy {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard 2...3 ~= parts.count, let requests = parts[0], let window = parts[1],
            let burst = parts.count == 3 ? parts[2] : requests,
            let policy = Policy(requests: requests, windowSeconds: window, burst: burst)
        else { throw .usage("\(name) takes REQUESTS/SECONDS or REQUESTS/SECONDS/BURST, say 1000/60, not “\(text)”") }
        return policy
    }
}

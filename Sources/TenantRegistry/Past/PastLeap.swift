/// That the node's clock had leapt ahead and was mended, as a file of no bytes whose name says it. Times in the log
/// never fall: what came after the leap carries times from behind `mended`, up to `until`, and not those at which it
/// came. A value.
struct PastLeap: Sendable, Equatable {
    let mended: Timestamp
    let until: Timestamp

    private static let suffix = ".leap"

    var name: String { "\(mended.milliseconds).\(until.milliseconds)\(Self.suffix)" }

    init(mended: Timestamp, until: Timestamp) { (self.mended, self.until) = (mended, until) }

    /// Nil for the name of another file.
    init?(name: String) {
        let parts = name.split(separator: ".")
        guard parts.count == 3, name.hasSuffix(Self.suffix), let mended = Int64(parts[0]), let until = Int64(parts[1])
        else { return nil }
        self.init(mended: Timestamp(milliseconds: mended), until: Timestamp(milliseconds: until))
    }

    /// Whether what carries that time came at another.
    func misdates(_ at: Timestamp) -> Bool { mended < at && at <= until }
}

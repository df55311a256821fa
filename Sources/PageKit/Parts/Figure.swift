package import HTML

/// Numbers as people read them.
package enum Figure {
    /// `1,204`; with two decimals `12.04`.
    package static func grouped(_ number: Int, decimals: Int = 0) -> String {
        var digits = Array(String(number.magnitude).utf8)
        while digits.count <= decimals { digits.insert(UInt8(ascii: "0"), at: 0) }
        let whole = digits.count - decimals
        var text: [UInt8] = number < 0 ? Array("−".utf8) : []
        for (index, digit) in digits.enumerated() {
            if index == whole {
                text.append(UInt8(ascii: "."))
            } else if index > 0, index < whole, (whole - index) % 3 == 0 {
                text.append(UInt8(ascii: ","))
            }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A number and its noun: `1 delivery`, `1,204 deliveries`.
    package static func counted(_ number: Int, _ one: String, _ many: String) -> String {
        "\(grouped(number)) \(number == 1 ? one : many)"
    }

    /// `part / whole * scale`, rounded. A part is not more than the whole.
    static func share(_ part: Int, of whole: Int, times scale: Int) -> Int {
        guard part > 0, whole > 0 else { return 0 }
        return (whole.dividingFullWidth(min(part, whole).multipliedFullWidth(by: scale * 2)).quotient + 1) / 2
    }

    /// A part of a whole, for an attribute: `41.25%`.
    static func percent(_ part: Int, of whole: Int) -> String {
        let hundredths = share(part, of: whole, times: 10_000)
        let rest = hundredths % 100
        let fraction = rest == 0 ? "" : rest < 10 ? ".0\(rest)" : ".\(rest)"
        return "\(hundredths / 100)\(fraction)%"
    }
}

/// How far something is that has good and bad ends. A value: any thread.
package struct Progress: MarkupPart {
    package let html: HTML

    /// `words`: what the bar shows, for everybody.
    package init(good: Int, bad: Int, of all: Int, words: String) {
        let (first, second) = (Figure.percent(min(good, all), of: all), Figure.percent(min(bad, all), of: all))
        html = """
            <div class="meter"><p>\(words)</p>\
            <svg role="img" aria-label="\(words)" width="100%" height="8"><rect class="track" width="100%" height="8" rx="4">\
            </rect><rect class="fill good" width="\(first)" height="8" rx="4"></rect>\
            <rect class="fill bad" x="\(first)" width="\(second)" height="8" rx="4"></rect></svg></div>
            """
    }
}

/// How much of a bound is used. A value: any thread.
package struct Meter: MarkupPart {
    package let html: HTML

    private static let warnPercent = 80

    /// `note`: say, when all of it is free again. `isInList`: its number is no greater than the text around it.
    /// `written`: a number as it is shown.
    package init(
        _ value: Int, of bound: Int, unit: String = "", note: String? = nil, id: String? = nil, isInList: Bool = false,
        written: (Int) -> String = { Figure.grouped($0) }
    ) {
        let (used, whole) = (written(value), written(bound))
        let words = "\(used) of \(whole)\(unit.isEmpty ? "" : " \(unit)")"
        let part = max(0, min(value, bound))
        let tone: Tone = value >= bound ? .bad : value * 100 >= bound * Self.warnPercent ? .warn : .good
        let more: HTML? = note.map { #" <span class="sub">\#($0)</span>"# }
        var attributes = Attributes()
        attributes.set("id", id)
        let number: HTML = isInList ? "\(used)" : #"<b class="n">\#(used)</b>"#
        html = """
            <div class="meter"\(attributes)><p>\(number) of \(whole)\
            \(if: !unit.isEmpty, " \(unit)")\(more)</p>\
            <svg role="img" aria-label="\(words)" width="100%" height="8"><rect class="track" width="100%" height="8" rx="4">\
            </rect><rect class="fill \(tone.rawValue)" width="\(Figure.percent(part, of: bound))" height="8" rx="4"></rect></svg></div>
            """
    }
}

/// An amount of money as an API writes it. A value: any thread.
package struct Amount: MarkupPart {
    package let html: HTML

    /// `currency`: where no head says it.
    package init(_ text: String, currency: String? = nil) {
        let shown = Self.grouped(text) + (currency.map { " \($0)" } ?? "")
        html = #"<span class="\#(text.hasPrefix("-") ? "n minus" : "n")">\#(shown)</span>"#
    }

    /// `-1234.50` is `−1,234.50`; what is no number stays as it is.
    package static func grouped(_ text: String) -> String {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Int($0) }) else { return text }
        let sign = text.hasPrefix("-") ? "−" : ""
        let fraction = parts.count > 1 ? ".\(parts[1])" : ""
        return sign + Figure.grouped(whole < 0 ? -whole : whole) + fraction
    }
}

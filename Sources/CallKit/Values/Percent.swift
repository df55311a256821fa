/// A share of 0 to 100 per cent with at most four digits after the point, in parts per million (12.5 % is 125,000).
///
/// Invariant: 0…1,000,000 parts. A value: any thread.
package struct Percent: Sendable, Hashable, Comparable {
    package let partsPerMillion: Int64

    package static let fractionDigits = 4
    package static let zero = Percent(unchecked: 0)
    package static let hundred = Percent(unchecked: 1_000_000)

    /// nil outside 0…1,000,000.
    package init?(partsPerMillion: Int64) {
        guard (0...1_000_000).contains(partsPerMillion) else { return nil }
        self.partsPerMillion = partsPerMillion
    }

    private init(unchecked partsPerMillion: Int64) { self.partsPerMillion = partsPerMillion }

    /// Reads a decimal string or a JSON number's text, without rounding.
    package init(parsing text: String) throws(PercentError) {
        let parts: Int64
        do throws(ExactDecimal.Failure) {
            parts = try ExactDecimal.parse(text, scale: Self.fractionDigits)
        } catch {
            switch error {
            case .syntax: throw .syntax
            case .precision: throw .precision
            case .overflow: throw .range
            }
        }
        guard let percent = Percent(partsPerMillion: parts) else { throw .range }
        self = percent
    }

    package static func < (left: Percent, right: Percent) -> Bool { left.partsPerMillion < right.partsPerMillion }

    /// Without zeros at its end: `12.5`, `0`, `100`.
    package var decimal: String {
        ExactDecimal.text(partsPerMillion, scale: Self.fractionDigits, fractionDigitsMin: 0)
    }
}

package enum PercentError: Error, Equatable {
    case syntax
    case range
    /// More than four digits after the point.
    case precision
}

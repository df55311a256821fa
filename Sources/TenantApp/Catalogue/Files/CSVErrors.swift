package import HTTPCore

/// Where in a table something is wrong: `/line/3/sku`.
extension FieldError {
    package static func inLine(_ line: Int, _ column: String?, _ code: String, _ detail: String) -> FieldError {
        let name = column.map { "/\($0.pointerStep)" } ?? ""
        return FieldError(pointer: "/line/\(line)\(name)", code: code, detail: detail)
    }
}

extension [FieldError] {
    /// Errors of one chunk come from several readings; a person goes through them by line.
    package var byPlace: [FieldError] {
        enumerated().sorted { left, right in
            (Self.place(of: left.element), left.offset) < (Self.place(of: right.element), right.offset)
        }.map(\.element)
    }

    private static func place(of error: FieldError) -> Int {
        error.pointer.split(separator: "/").dropFirst().first.flatMap { Int($0) } ?? 0
    }
}

extension CSVError {
    package var fieldError: FieldError {
        let detail =
            switch reason {
            case .strayQuote: "has a quote where none may be"
            case .unterminatedQuote: "has a quote that is never closed"
            case .bareCarriageReturn: "has a carriage return without a line feed"
            case .fieldTooLong: "has a field that is too long"
            case .tooManyColumns: "has too many columns"
            case .invalidUTF8: "is not UTF-8"
            case .noText: "is no text; save a spreadsheet as CSV in UTF-8 first"
            case .tooManyMarks: "has more than \(String.marksMax) combining marks in a row"
            }
        return .inLine(line, nil, "format", detail)
    }
}

import CallKit
import TenantRegistry

/// A reseller's codes as CSV with their links, newest first, a page at a time (A5).
enum ExportCodes {
    static let pageRows = 500

    private static let columns = [
        "code", "url", "plan_id", "days", "status", "redeemed_by", "redeemed_at", "created_at",
    ]

    /// `links`: what stands before a code in the address that redeems it.
    static func stream(
        _ steps: Steps, resellerID: Int64, book: Book, status: CodeStatus?, links: String
    ) -> PulledStream {
        var writer = CSVWriter()
        writer.row(columns.map { .value($0) })
        return steps.stream(head: writer.bytes, from: Int64.max) { place in
            let last = place
            let codes = try await steps.read { tenant in
                try tenant.activationCodes(
                    resellerID: resellerID, book: book, status: nil, from: last, skip: 0, limit: pageRows)
            }
            guard let end = codes.last else { return nil }
            place = end.number - 1
            // Left out here, not there: one stretch of the list costs the same, however few of it are asked for.
            return render(codes.filter { status == nil || $0.status == status }, links: links)
        }
    }

    private static func render(_ codes: [ActivationCode], links: String) -> [UInt8] {
        var writer = CSVWriter()
        for code in codes {
            writer.row([
                .value(code.code), .value(links + code.code), .text(code.sku), .value(String(code.days)),
                .value(code.status.rawValue), .text(code.redemption?.email ?? ""),
                .value(code.redemption?.at.text ?? ""), .value(code.createdAt.text),
            ])
        }
        return writer.bytes
    }
}

extension ActivationCode {
    fileprivate var status: CodeStatus { redemption == nil ? .available : .redeemed }
}

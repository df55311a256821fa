import CallKit
import HTTPCore
import TenantApp
import Testing

@Suite struct LedgerFileTests {
    private struct Reading: Equatable {
        var lines: [LedgerLine] = []
        var errors: [String] = []
    }

    private func read(_ text: String, as type: String?, piece: Int) -> Reading {
        var file = LedgerFile(contentType: type)
        var reading = Reading()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            reading.lines += file.feed(Array(bytes[start..<min(start + piece, bytes.count)]))
        }
        reading.lines += file.finish()
        reading.errors = file.errors.map { "\($0.pointer) \($0.code)" }
        return reading
    }

    private static let csv = """
        \u{FEFF}at,amount,"external_ref",kind,comment\r\n\
        2026-05-01,1.00,a,topup,"mine,\r\nall"\r\n\
        \r\n\
        2026-05-01T10:00:00Z,2.50,"b""c",purchase,\n\
        2026-05-01,x,é,topup,\n\
        2026-05-01,3,d,renewal
        """
    private static let jsonLines = """
        \n  {"external_ref":"a","kind":"topup","amount":1,"at":"2026-05-01"}\r
        {"external_ref":"b\\"c","kind":"purchase","amount":"2.50","at":"2026-05-01T10:00:00Z","more":[1]}

        {"external_ref":"é","kind":"topup","amount":"x","at":"2026-05-01"}
        nothing
        {"external_ref":"d","kind":"renewal","amount":3,"at":"2026-05-01"}
        """

    /// As a spreadsheet of another country writes it.
    private static let semicolons = """
        \u{FEFF}at;amount;external_ref;kind;mine;;\r\n\
        2026-05-01;1.00;a;topup;"x;y, z";;\r\n\
        ;;;;;;\r\n\
        2026-05-01T10:00:00Z;2.50;"b""c";purchase;;;\n\
        ;;;;;;\n\
        2026-05-01;x;é;topup\n\
        2026-05-01;3;d;renewal;
        """

    @Test(
        "O8 a ledger reads the same however it is cut into pieces",
        arguments: [csv, jsonLines, "\u{FEFF}" + jsonLines, "\u{FEFF}" + jsonLines.dropFirst(3), semicolons])
    func pieces(text: String) {
        let whole = read(text, as: nil, piece: .max >> 1)
        #expect(whole.lines.map(\.externalRef) == ["a", "b\"c", "d"])
        #expect(whole.errors.contains { $0.hasSuffix("/amount format") })
        for piece in 1...80 { #expect(read(text, as: nil, piece: piece) == whole) }
    }

    @Test("O8 a fault's line is the file's, behind quoted line ends and empty lines too")
    func lines() {
        #expect(read(Self.csv, as: "text/csv; charset=utf-8", piece: 7).errors == ["/line/6/amount format"])
        #expect(
            read(Self.jsonLines, as: "application/jsonl", piece: 7).errors == [
                "/line/5/amount format", "/line/6 format",
            ])
    }

    @Test("O8 rows before an unreadable one are still told of; nothing behind it is read")
    func unreadable() {
        let text = "external_ref,kind,amount,at\n,topup,1,2026-05-01\na,topup,1\"2,x\nb,topup,x,2026-05-01\n"
        #expect(read(text, as: nil, piece: 1_000).errors == ["/line/2/external_ref required", "/line/3 format"])
    }

    @Test("O8 a row with more fields than the header is refused: the comma of an amount has made two of it")
    func comma() {
        let rows = "2026-05-01,a,topup,25,50\n2026-05-01,b,topup,25.50,\n2026-05-01,c,topup\n"
        for header in ["at,external_ref,kind,amount\n", "at,external_ref,kind,amount,\n"] {
            let reading = read(header + rows, as: "text/csv", piece: 9)
            #expect(reading.lines.map(\.externalRef) == ["b"])
            #expect(reading.errors == ["/line/2 count", "/line/4/amount required"])
        }
    }

    @Test("O8 no more than so many faults are listed; a line of JSON that is too long is one")
    func bounds() {
        let bad = String(repeating: "{}\n", count: 1_000)
        #expect(read(bad, as: "application/jsonl", piece: 10).errors.count == LedgerFile.errorsMax)
        let long = "{\"x\":\"" + String(repeating: "y", count: LedgerFile.lineBytesMax) + "\"}\n[\n"
        #expect(read(long, as: "application/jsonl", piece: 100).errors == ["/line/1 length", "/line/2 format"])
    }

    @Test("O8 a text that was guarded from a spreadsheet is the text; a number is as it stands")
    func guarded() {
        let text =
            "external_ref,kind,amount,at\n'=a,topup,-1,2026-05-01\n'b,topup,1,2026-05-01\n''=c,topup,'1,2026-05-01\n"
        let reading = read(text, as: "text/csv", piece: 9)
        #expect(reading.lines.map(\.externalRef) == ["=a", "'b"] && reading.errors == ["/line/4/amount format"])
    }

    @Test("O8 what binary fractions leave beside an amount is no part of it; what is further off is a fault")
    func computed() {
        let table = """
            external_ref,kind,amount,at
            a,topup,0.30000000000000004,2026-05-01
            b,topup,-0.7999999999999999,2026-05-01
            c,topup,0.3000000010000001,2026-05-01
            """
        let reading = read(table, as: "text/csv", piece: 11)
        #expect(reading.lines.map(\.amount) == [Money(micros: 300_000), Money(micros: -800_000)])
        #expect(reading.errors == ["/line/4/amount format"])
        let lines = #"{"external_ref":"a","kind":"topup","amount":0.30000000000000004,"at":"2026-05-01"}"#
        #expect(read(lines, as: "application/jsonl", piece: 11).lines.map(\.amount) == [Money(micros: 300_000)])
    }

    @Test("O8 a file of nothing is no ledger; a header alone is an empty one")
    func empty() {
        for text in ["", " \n\n"] {
            #expect(read(text, as: nil, piece: 1).errors == ["/line/1 required"])
            #expect(read(text, as: "application/jsonl", piece: 1).errors == [])
        }
        #expect(read("", as: "text/csv", piece: 1).errors == ["/line/1 required"])
        #expect(read("external_ref,kind,amount,at", as: nil, piece: 3) == Reading())
    }
}

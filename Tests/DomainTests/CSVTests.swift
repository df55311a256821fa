import CallKit
import HTTPCore
import TenantApp
import TestSeeds
import Testing

private func rows(_ text: String, pieceBytes: Int = .max) throws(CSVError) -> [CSVRow] {
    try rows(Array(text.utf8), pieceBytes)
}

private func rows(_ bytes: [UInt8], _ pieceBytes: Int) throws(CSVError) -> [CSVRow] {
    var reader = CSVReader()
    var rows: [CSVRow] = []
    var start = 0
    while start < bytes.count {
        let end = pieceBytes < bytes.count - start ? start + pieceBytes : bytes.count
        rows += try reader.feed(bytes[start..<end])
        start = end
    }
    if let last = try reader.finish() { rows.append(last) }
    return rows
}

@Suite struct CSVFiles {
    @Test(
        "rows are the same however the file is cut into pieces",
        arguments: [
            ("", []), ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]), ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
            ("\u{feff}a,b\n", [["a", "b"]]),
            ("\u{feff}\"a\",b\n", [["a", "b"]]), ("a,,\n,\n", [["a", "", ""], ["", ""]]),
            ("\"a,b\",\"c\"\"d\",\"\"\n", [["a,b", "c\"d", ""]]),
            ("\"x\r\ny\",z\r\n", [["x\r\ny", "z"]]), ("\n\r\na\n\n", [["a"]]), ("\"\"\n", [[""]]), ("\"\"", [[""]]),
            (" a , b \n", [[" a ", " b "]]),
            ("é,€,😀\n", [["é", "€", "😀"]]), ("a;b\nc;d,e\n", [["a", "b"], ["c", "d,e"]]),
            ("a\tb\r\n\"c;\"\td,\r\n", [["a", "b"], ["c;", "d,"]]),
            ("\n\"a;b\",c;d\ne;,f\n", [["a;b", "c;d"], ["e;", "f"]]),
            ("\u{feff}\"a\";\"b\"\r\n;\r\n", [["a", "b"], ["", ""]]), ("a\nb;c\n", [["a"], ["b;c"]]), ("\u{feff}", []),
            ("sep=;\r\na;b,c\r\n", [["a", "b,c"]]), ("\u{feff}SEP=,\n\na,b;\n", [["a", "b;"]]),
            ("sep=\t\na\tb\n", [["a", "b"]]), ("sep=|\na,b\n", [["sep=|"], ["a", "b"]]),
            ("\"sep=\",\n", [["sep=", ""]]), ("a;b\nsep=;\n", [["a", "b"], ["sep=", ""]]),
            ("a,", [["a", ""]]), ("\"a\"", [["a"]]),
            ("\"a\"\"\"", [["a\""]]), ("\u{fee0}x\n", [["\u{fee0}x"]]),
        ] as [(String, [[String]])])
    func reading(text: String, expected: [[String]]) throws {
        for pieceBytes in [1, 2, 3, 5, 1000] {
            #expect(try rows(text, pieceBytes: pieceBytes).map(\.fields) == expected)
        }
    }

    @Test("an error and a row name the line where they stand")
    func lines() throws {
        #expect(try rows("a\n\n\"b\nc\"\nd\n").map(\.line) == [1, 3, 5])
        let cases: [(String, Int, CSVError.Reason)] = [
            ("a\nb\"c\n", 2, .strayQuote), ("a\n\"b\"c\n", 2, .strayQuote), ("a\n\"b\nc\nd", 2, .unterminatedQuote),
            ("a\rb", 1, .bareCarriageReturn),
            ("a\r", 1, .bareCarriageReturn), ("\"a\"\r\"", 1, .bareCarriageReturn), ("\"", 1, .unterminatedQuote),
            ("\"a\nb\"\nc\"", 3, .strayQuote),
        ]
        for (text, line, reason) in cases {
            #expect(throws: CSVError(line: line, reason: reason)) { try rows(text) }
            #expect(throws: CSVError(line: line, reason: reason)) { try rows(text, pieceBytes: 1) }
        }
        #expect(throws: CSVError(line: 2, reason: .invalidUTF8)) { try rows(Array("a\n".utf8) + [0xFF, 0x0A], .max) }
        #expect(throws: CSVError(line: 1, reason: .invalidUTF8)) { try rows([0xEF, 0xBB, 0x0A], 1) }
        // What a spreadsheet keeps, a ZIP or a compound file, and UTF-16. Further down such a byte is a field's.
        let files: [[UInt8]] = [
            [0x50, 0x4B, 3, 4, 0x14, 0, 0x0D], [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0],
            [0xFF, 0xFE, 0x73, 0, 0x0A, 0], [0x22, 0, 0x22],
        ]
        for file in files {
            #expect(throws: CSVError(line: 1, reason: .noText)) { try rows(file, 1) }
        }
        #expect(try rows("a\nb\u{1}c\n").last?.fields == ["b\u{1}c"])
    }

    @Test("fields and columns end at their bounds")
    func bounds() throws {
        let field = String(repeating: "x", count: CSVReader.fieldBytesMax)
        #expect(try rows(field + ",y").first?.fields.first?.utf8.count == CSVReader.fieldBytesMax)
        #expect(throws: CSVError(line: 1, reason: .fieldTooLong)) { try rows(field + "x") }
        #expect(throws: CSVError(line: 1, reason: .fieldTooLong)) { try rows("\"" + field + "x") }
        let marks = String(repeating: "\u{301}", count: String.marksMax)
        #expect(try rows("a\(marks),b\(marks)").first?.fields.count == 2)
        #expect(throws: CSVError(line: 2, reason: .tooManyMarks)) { try rows("a\nb,\(marks)\u{323}\n") }
        let commas = String(repeating: ",", count: CSVReader.columnsMax - 1)
        #expect(try rows(commas).first?.fields.count == CSVReader.columnsMax)
        #expect(throws: CSVError(line: 1, reason: .tooManyColumns)) { try rows(commas + ",") }
    }

    @Test("O4 O6 a text that a spreadsheet would compute is guarded, a number and a time never")
    func guarding() {
        let guarded = [
            "=1+1": "'=1+1", "+49 30": "'+49 30", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "\tx": "\"'\tx\"",
            "\rx": "\"'\rx\"", "'=x": "''=x", "''-x": "'''-x",
        ]
        for text in ["'plain", "", "'", "a=b", "1-1"] { #expect(CSVCell.withoutGuard(text) == text) }
        for (text, cell) in guarded {
            var writer = CSVWriter()
            writer.row([.text(text), .value(text == "-5" ? "-5" : "2026-05-01")])
            #expect(String(decoding: writer.bytes, as: UTF8.self).hasPrefix(cell + (text == "-5" ? ",-5" : ",2026")))
        }
    }

    @Test("O4 whatever is written reads back exactly, formulas and all")
    func roundTrip() throws {
        var random = Seeded(state: 9)
        let alphabet = ["a", ",", "\"", "\n", "\r", "\r\n", " ", "=1+1", "'", ";", "\t", "é", "", "\u{feff}"]
        var writer = CSVWriter()
        var expected: [[String]] = []
        for _ in 0..<2000 {
            let row = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                (0..<Int.random(in: 0...4, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }
                    .joined()
            }
            writer.row(row.map { .text($0) })
            expected.append(row)
        }
        let bytes = writer.drain()
        #expect(writer.bytes.isEmpty)
        for pieceBytes in [1, 7, 4096] {
            let read = try rows(bytes, pieceBytes).map {
                $0.fields.map { Array(CSVCell.withoutGuard($0).utf8) }
            }
            #expect(read == expected.map { $0.map { Array($0.utf8) } })
        }
    }

    @Test("only what needs quotes gets them")
    func quoting() {
        var writer = CSVWriter()
        writer.row(["plain", "a,b", "q\"q", "", " pad", "=A1", "a;b"].map { .value($0) })
        writer.row([.value("")])
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "plain,\"a,b\",\"q\"\"q\",,\" pad\",=A1,\"a;b\"\r\n\"\"\r\n")
    }
}

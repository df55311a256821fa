import HTTPCore
import TestSeeds
import Testing

/// The reader of forms that have a file, on what browsers send and on what none sends.
@Suite struct MultipartTests {
    private static func part(_ disposition: String, _ content: String) -> String {
        "--b\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n\(content)\r\n"
    }

    private static func read(_ parts: String..., end: String = "--b--\r\n") -> Multipart? {
        Multipart(Array((parts.joined() + end).utf8), boundary: "b")
    }

    private static func isForm(_ parts: String..., end: String = "--b--\r\n") -> Bool {
        isForm(Array((parts.joined() + end).utf8), boundary: "b")
    }

    private static func isForm(_ body: [UInt8], boundary: String) -> Bool {
        Multipart(body, boundary: boundary) != nil
    }

    @Test("G6 fields stand in the order in which they were sent, the file apart, and an empty file is none")
    func fields() throws {
        let form = try #require(
            Self.read(
                Self.part("name=\"a\"", "1"), Self.part("name=\"file\"; filename=\"x.png\"", "\r\n--c"),
                Self.part("name=\"a\"", "")))
        #expect(form.pairs.map { "\($0.name)=\($0.value)" } == ["a=1", "a="])
        #expect(form.file == Array("\r\n--c".utf8))
        let none = try #require(Self.read(Self.part("name=\"file\"; filename=\"\"", "")))
        #expect(none.pairs.isEmpty && none.file == nil)
    }

    @Test("G6 a field or a name with more marks in a row than any script has makes no form; a file is anything")
    func marks() {
        let marks = String(repeating: "\u{323}\u{301}", count: String.marksMax)
        #expect(!Self.isForm(Self.part("name=\"a\"", marks)) && !Self.isForm(Self.part("name=\"\(marks)\"", "1")))
        #expect(Self.isForm(Self.part("name=\"file\"; filename=\"x\"", marks)))
    }

    @Test(
        "G6 a file is a file whatever it is called",
        arguments: ["100%.png", "%zz", "a;b.png", "x; name=y.png", "a%22b", "é.png", "%", "="])
    func fileNames(name: String) throws {
        let form = try #require(Self.read(Self.part("name=\"file\"; filename=\"\(name)\"", "\u{0}")))
        #expect(form.pairs.isEmpty && form.file == [0])
    }

    @Test(
        "G6 in a name, a quote and line ends come percent-encoded, and other percent signs stand for themselves",
        arguments: [
            ("\"a%22b\"", "a\"b"), ("\"a%0D%0Ab\"", "a\r\nb"), ("\"50%25\"", "50%25"), ("\"a;b=c\"", "a;b=c"),
            ("a", "a"), ("\"\"", ""), ("\"%%2222\"", "%\"22"),
        ])
    func names(written: String, name: String) {
        #expect(Self.read(Self.part("name=\(written)", "1"))?.pairs.map(\.name) == [name])
    }

    @Test("G6 a form without its end, with two files, a part without a name or text that is no UTF-8 is none")
    func refused() {
        let file = Self.part("name=\"file\"; filename=\"a\"", "1")
        #expect(!Self.isForm(file, file))
        #expect(!Self.isForm(Self.part("filename=\"a\"", "1")))
        #expect(!Self.isForm(Self.part("name=\"a\"", "1"), end: "--b-"))
        #expect(!Self.isForm("x", file))
        let bytes = Array("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".utf8) + [0xFF]
        #expect(!Self.isForm(bytes + Array("\r\n--b--".utf8), boundary: "b"))
        for boundary in ["", String(repeating: "b", count: 71)] {
            #expect(!Self.isForm(Array("--\(boundary)--".utf8), boundary: boundary))
        }
    }

    @Test("G6 a form has 256 parts at most, files without content among them")
    func parts() {
        for part in [Self.part("name=\"a\"", "1"), Self.part("name=\"file\"; filename=\"\"", "")] {
            #expect(Self.isForm(String(repeating: part, count: Multipart.partsMax)))
            #expect(!Self.isForm(String(repeating: part, count: Multipart.partsMax + 1)))
        }
    }

    @Test("G6 whatever bytes a file has, they are read as they were sent, and a form that was cut is none")
    func anyFile() {
        var draw = Seeded(state: 7)
        for _ in 0..<300 {
            // Of what boundaries are made of, so that near ones come often.
            let file = (0...draw.below(60)).map { _ in draw.pick([0x0D, 0x0A, 0x2D, 0x62, 0x00, 0xFF] as [UInt8]) }
            let front = Array("--bbb0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n".utf8)
            let body = front + file + Array("\r\n--bbb0--".utf8)
            #expect(Multipart(body, boundary: "bbb0")?.file == file)
            #expect(!Self.isForm(Array(body.prefix(draw.below(body.count))), boundary: "bbb0"))
        }
    }

    @Test(
        "G6 a boundary is read bare and in quotes, and its name in any case",
        arguments: [
            ("multipart/form-data; charset=utf-8; Boundary=\"a;b\"", "a;b"), ("multipart/form-data; xboundary=a", nil),
            ("multipart/form-data;\tboundary=a", "a"), ("Multipart/Form-Data; boundary=\"a b\"; charset=utf-8", "a b"),
            ("multipart/form-data; boundary=", ""), ("multipart/form-data", nil), ("text/plain; boundary=a", nil),
        ] as [(String, String?)])
    func boundaries(contentType: String, boundary: String?) {
        #expect(Multipart.boundary(of: contentType) == boundary)
    }
}

import HTTPCore
import Testing

@Suite struct EmailAddresses {
    @Test(
        "O3 two spellings of one address are one text",
        arguments: [
            ("Ann.B@Shop.EXAMPLE", "ann.b@shop.example"), ("ann+tag@shop.example", "ann+tag@shop.example"),
            ("ju\u{308}rgen@bu\u{308}cher.example", "jürgen@xn--bcher-kva.example"),
            ("JÜRGEN@BÜCHER.example", "jürgen@xn--bcher-kva.example"),
            ("jürgen@XN--BCHER-KVA.example", "jürgen@xn--bcher-kva.example"), ("a@localhost", "a@localhost"),
            ("a@xn--fa-hia.example", "a@xn--fa-hia.example"), ("a@faß.example", "a@xn--fa-hia.example"),
            ("o'neil@shop.example", "o'neil@shop.example"), ("{a}|b~@shop.example", "{a}|b~@shop.example"),
            ("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
            // Folded, not only in lower case: what is one letter in upper case.
            ("ΟΔΟΣ@b.example", "οδοσ@b.example"), ("οδος@b.example", "οδοσ@b.example"),
            ("\u{17F}hop@b.example", "shop@b.example"), ("\u{B5}@b.example", "\u{3BC}@b.example"),
            // Letters of their own.
            ("STRASSE@b.example", "strasse@b.example"), ("straße@b.example", "straße@b.example"),
            ("\u{131}lk@b.example", "\u{131}lk@b.example"), ("a@οδος.example", "a@xn--pxavbm.example"),
        ])
    func canonical(sent: String, kept: String) throws {
        let address = try #require(EmailAddress.canonical(sent))
        #expect(Array(address.utf8) == Array(kept.utf8))
        #expect(EmailAddress.canonical(address).map { Array($0.utf8) } == Array(kept.utf8))
    }

    @Test(
        "O3 what is no address is none",
        arguments: [
            "", "a", "@", "a@", "@b.c", "a@b@c.d", "a b@c.d", "<a@b.c>", "\"a\"@b.c", "a(x)@b.c", ".a@b.c", "a.@b.c",
            "a..b@c.d", "=1+1@b.c", "+a@b.c", "-a@b.c", "a@[192.0.2.1]", "a@192.0.2.1", "a@b..c", "a@.b", "a@b.",
            "a@-b.c",
            "a@b-.c", "a@b_c.d", "a@xn--.c", "a@xn--abc.d", "a@xn--a.d", "a@ab--c.d", "a@b\u{200D}c.d", "a\u{200B}@b.c",
            "a\u{202E}@b.c", "a\u{A0}@b.c", "a\u{3000}b@c.d", "a@\u{301}b.c", "a@a\u{FF41}.c", "a@b\u{3002}c",
            "a\u{0}@b.c",
            "a@☃.example",
        ])
    func refused(text: String) { #expect(EmailAddress.canonical(text) == nil) }

    @Test(
        "O3 O10 what is searched for is looked for as it is kept: each whole label of its domain as its A-label",
        arguments: [
            ("ops@bücher.example", ["ops@bücher.example", "ops@xn--bcher-kva.example"]),
            ("ops@bücher.ex", ["ops@bücher.ex", "ops@xn--bcher-kva.ex"]),
            ("ops@bücher", ["ops@bücher", "ops@xn--bcher-kva"]),
            ("ops@bücher.", ["ops@bücher.", "ops@xn--bcher-kva."]),
            ("ops@a.bücher.e-", ["ops@a.bücher.e-", "ops@a.xn--bcher-kva.e-"]),
            ("jürgen@shop.example", ["jürgen@shop.example"]), ("ops@xn--bch", ["ops@xn--bch"]), ("ops@", ["ops@"]),
            ("@bücher", ["@bücher", "@xn--bcher-kva"]), ("bücher.example", ["bücher.example"]), ("a@b@ü", ["a@b@ü"]),
            ("a@☃.example", ["a@☃.example"]), ("", [""]), ("οδος@shop", ["οδος@shop", "οδοσ@shop"]),
            ("οδος", ["οδος", "οδοσ"]),
        ])
    func beginnings(text: String, kept: [String]) { #expect(EmailAddress.beginnings(text) == kept) }

    @Test(
        "P2 O3 two spellings of an address are one; what never was an address is the same as itself",
        arguments: [
            ("NEW@X.example", "new@x.example", true), ("a@BÜCHER.example", "a@xn--bcher-kva.example", true),
            ("ΟΔΟΣ@x.example", "οδος@x.example", true), ("straße@x.example", "strasse@x.example", false),
            ("a@x.example", "b@x.example", false), ("\"a\"@b.c", "\"a\"@b.c", true), ("\"a\"@b.c", "<a@b.c>", false),
        ])
    func spellings(one: String, other: String, areOne: Bool) {
        #expect(EmailAddress.areOne(one, other) == areOne && EmailAddress.areOne(other, one) == areOne)
    }

    @Test("O3 lengths are octets: 64 before the @, 63 a label, 254 in all")
    func lengths() {
        func text(_ letter: String, _ count: Int) -> String { String(repeating: letter, count: count) }
        #expect(EmailAddress.canonical(text("a", 64) + "@b.example") != nil)
        #expect(EmailAddress.canonical(text("a", 65) + "@b.example") == nil)
        #expect(EmailAddress.canonical(text("é", 33) + "@b.example") == nil)
        #expect(EmailAddress.canonical("a@" + text("b", 63) + ".example") != nil)
        #expect(EmailAddress.canonical("a@" + text("b", 64) + ".example") == nil)
        #expect(EmailAddress.canonical("a@" + text("ü", 60) + ".example") == nil)
        let domain = Array(repeating: text("b", 60), count: 4).joined(separator: ".")
        #expect(EmailAddress.canonical(text("a", 10) + "@" + domain) != nil)
        #expect(EmailAddress.canonical(text("a", 11) + "@" + domain) == nil)
    }

    @Test("O3 an account of before is still found as it was sent")
    func spellings() {
        #expect(EmailAddress.spellings("Ann@Shop.example") == ["ann@shop.example"])
        #expect(EmailAddress.spellings("e\u{301}@b.c").map { $0.utf8.count } == [6, 7])
        #expect(EmailAddress.spellings("<A@b.c>") == ["<a@b.c>"])
        let greek = ["οδοσ@xn--bcher-kva.example", "οδος@xn--bcher-kva.example", "οδος@bücher.example"]
        #expect(EmailAddress.spellings("οδος@BÜCHER.example") == greek)
        #expect(EmailAddress.spellings("a b@c.d").isEmpty && EmailAddress.spellings("a").isEmpty)
    }

    /// RFC 3492, §7.1.
    @Test(
        "labels are coded as RFC 3492 has it",
        arguments: [
            ("ليهمابتكلموشعربي؟", nil), ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
            ("почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"),
            ("なぜみんな日本語を話してくれないのか", "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"),
            ("3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b"), ("ひとつ屋根の下2", "xn--2-u9tlzr9756bt3uc0v"),
        ] as [(String, String?)])
    func labels(letters: String, coded: String?) {
        #expect(DomainName.ascii("\(letters).example") == coded.map { "\($0).example" })
        if let coded { #expect(DomainName.ascii("\(coded.uppercased()).example") == "\(coded).example") }
    }
}

/// Requests that two readers could read differently, or that only an attacker sends (G6, 0001), and the usual list of
/// request smuggling. Written as they go over the wire.
enum HostileRequests {
    struct Case: Sendable, CustomStringConvertible {
        let what: String
        let status: Int
        let bytes: [UInt8]
        var description: String { what }

        init(_ what: String, _ text: String) { self.init(what, 400, text) }

        init(_ what: String, _ status: Int, _ text: String) { self.init(what, status, bytes: Array(text.utf8)) }

        init(_ what: String, _ status: Int = 400, bytes: [UInt8]) {
            self.what = what
            self.status = status
            self.bytes = bytes
        }
    }

    private static func fields(_ what: String, _ lines: String) -> Case { fields(what, 400, lines) }

    private static func fields(_ what: String, _ status: Int, _ lines: String) -> Case {
        Case(what, status, "POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n")
    }

    private static func host(_ what: String, _ value: String) -> Case {
        Case("Host: \(what)", "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n")
    }

    private static func chunk(_ what: String, _ body: String) -> Case {
        Case("chunk: \(what)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
    }

    static let all: [Case] = requestLines + framing + hosts + names + chunks + credentials

    static let requestLines: [Case] = [
        Case("no version", "GET /\r\nHost: a\r\n\r\n"),
        Case("HTTP/0.9", 505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
        Case("HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        Case("HTTP/2.0", 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        Case("HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Case("lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
        Case("version with three digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        Case("space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        Case("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("tab as separator", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form of a longer host", "GET http://a.b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form of another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form with the other scheme's port", "GET http://a:443/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form with userinfo", "GET http://a@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form without a host", "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("absolute form without Host", "GET http://a/ HTTP/1.1\r\n\r\n"),
        Case("absolute form of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("no slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("no method", " / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("colon in the method", "GE:T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("NUL in the method", "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("endless method", String(repeating: "A", count: 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("CR in the target", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("DEL in the target", "GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case(
            "byte over 0x7E in the target",
            bytes: Array("GET /".utf8) + [0xFF] + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)),
        Case("UTF-8 in the target", "GET /ü HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        Case("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n"),
        Case("bare LF as the last line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        Case("bare CR between fields", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"),
        Case("bare CR as the last line", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"),
        Case("TLS hello", bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC]),
        Case("space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    ]

    static let framing: [Case] = [
        fields("length and chunked", "Content-Length: 3\r\nTransfer-Encoding: chunked"),
        fields("chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 3"),
        fields("length zero and chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked"),
        fields("two lengths", "Content-Length: 3\r\nContent-Length: 4"),
        fields("the same length twice", "Content-Length: 3\r\nContent-Length: 3"),
        fields("the same length twice in other case", "Content-Length: 3\r\ncontent-length: 3"),
        fields("listed length", "Content-Length: 3, 3"),
        fields("signed length", "Content-Length: +3"),
        fields("negative length", "Content-Length: -1"),
        fields("empty length", "Content-Length:"),
        fields("hexadecimal length", "Content-Length: 0x3"),
        fields("fractional length", "Content-Length: 3.0"),
        fields("length with a space", "Content-Length: 3 3"),
        fields("length with an underscore", "Content-Length: 1_0"),
        fields("length in other digits", "Content-Length: ٣"),
        fields("length past 64 bits", 413, "Content-Length: 99999999999999999999"),
        fields("gzip, chunked", 501, "Transfer-Encoding: gzip, chunked"),
        fields("two codings and chunked", 501, "Transfer-Encoding: gzip ,\tdeflate, Chunked"),
        fields("chunked, chunked", "Transfer-Encoding: chunked, chunked"),
        fields("chunked, gzip", "Transfer-Encoding: chunked, gzip"),
        fields("gzip, deflate", "Transfer-Encoding: gzip, deflate"),
        fields("gzip, a comma and nothing", "Transfer-Encoding: gzip,"),
        fields("gzip, nothing, chunked", "Transfer-Encoding: gzip,,chunked"),
        fields("a coding with a parameter, chunked", "Transfer-Encoding: gzip;q=1, chunked"),
        fields("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        fields("chunked then identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        fields("chunked with a parameter", "Transfer-Encoding: chunked;q=1"),
        fields("quoted chunked", "Transfer-Encoding: \"chunked\""),
        fields("empty coding", "Transfer-Encoding:"),
        fields("comma before chunked", "Transfer-Encoding: ,chunked"),
        fields("vertical tab before chunked", "Transfer-Encoding: \u{0B}chunked"),
        fields("identity", 501, "Transfer-Encoding: identity"),
        fields("xchunked", 501, "Transfer-Encoding: xchunked"),
        fields("space before the colon", "Transfer-Encoding : chunked"),
        fields("tab before the colon", "Content-Length\t: 3"),
        fields("folded coding", "Transfer-Encoding:\r\n chunked"),
        Case("chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]

    static let hosts: [Case] = [
        Case("no Host", "GET / HTTP/1.1\r\n\r\n"),
        Case("no Host but others", "GET / HTTP/1.1\r\nX: a\r\n\r\n"),
        Case("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Case("the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        Case("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        host("empty", ""), host("userinfo", "user@a"), host("userinfo with password", "u:p@a"), host("path", "a/b"),
        host("comma", "a,b"), host("comma and space", "a, b"), host("space", "a b"), host("query", "a?b"),
        host("fragment", "a#b"), host("port that is none", "a:b"), host("empty port", "a:"),
        host("long port", "a:123456"), host("port past the last", "a:65536"), host("port zero", "a:0"),
        host("IPv6 that is none", "[1:2]"), host("IPv4 in brackets", "[1.2.3.4]"), host("zone", "[fe80::1%25eth0]"),
        host("two ports", "a:1:2"), host("only a port", ":80"), host("open bracket", "[::1"),
        host("empty brackets", "[]"),
        host("name in brackets", "[name]"), host("text after brackets", "[::1]a"), host("percent", "a%00b"),
        host("scheme", "http://a"), host("backslash", "a\\b"), host("UTF-8", "bücher"),
        host("endless", String(repeating: "a", count: 256)),
    ]

    static let names: [Case] = [
        fields("empty name", ": x"), fields("no colon", "Name"), fields("space in a name", "Na me: x"),
        fields("space before the colon", "Name : x"), fields("folded line", "Name: x\r\n y"),
        fields("line of spaces", "Name: x\r\n  "),
        fields("parentheses in a name", "Na(me): x"), fields("slash in a name", "Na/me: x"),
        fields("quote in a name", "\"Name\": x"),
        fields("UTF-8 in a name", "Näme: x"), fields("NUL in a name", "Na\0me: x"),
        fields("DEL in a name", "Na\u{7F}me: x"),
        fields("NUL in a value", "Name: a\0b"), fields("BEL in a long value", "Name: aaaaaaaaaaaaaaaa\u{07}aaaaaaa"),
        fields("DEL in a value", "Name: a\u{7F}"), fields("ESC at the end of a value", "Name: aaaaaaaaaa\u{1B}"),
        fields("bare CR in a value", "Name: a\rb"), fields("bare LF in a value", "Name: a\nb"),
        fields("CR CR LF", "Name: a\r"),
        fields("too many fields", 431, (0..<101).map { "A\($0): b" }.joined(separator: "\r\n")),
    ]

    static let chunks: [Case] = [
        chunk("empty size", "\r\nabc\r\n0\r\n\r\n"), chunk("signed size", "+3\r\nabc\r\n0\r\n\r\n"),
        chunk("negative size", "-1\r\nabc\r\n0\r\n\r\n"), chunk("prefixed size", "0x3\r\nabc\r\n0\r\n\r\n"),
        chunk("size with a space before", " 3\r\nabc\r\n0\r\n\r\n"),
        chunk("size with a space after", "3 \r\nabc\r\n0\r\n\r\n"),
        chunk("size with a tab after", "3\t\r\nabc\r\n0\r\n\r\n"),
        chunk("size too long", "000000003\r\nabc\r\n0\r\n\r\n"),
        chunk("size past 64 bits", "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
        chunk("size that is none", "xyz\r\nabc\r\n0\r\n\r\n"),
        chunk("bare LF after the size", "3\nabc\r\n0\r\n\r\n"), chunk("bare CR after the size", "3\rabc\r\n0\r\n\r\n"),
        chunk("bare LF after an extension", "3;a\nabc\r\n0\r\n\r\n"),
        chunk("NUL in an extension", "3;a\0\r\nabc\r\n0\r\n\r\n"),
        chunk("CR in an extension", "3;a\r;b\r\nabc\r\n0\r\n\r\n"),
        chunk("open quote in an extension", "3;a=\"b\r\nabc\r\n0\r\n\r\n"),
        chunk("escaped end of a quote", "3;a=\"b\\\"\r\nabc\r\n0\r\n\r\n"),
        chunk("text after a quote", "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n"),
        chunk("empty extension", "3;\r\nabc\r\n0\r\n\r\n"),
        chunk("extension without a name", "3;=b\r\nabc\r\n0\r\n\r\n"),
        chunk("extension without its value", "3;a=\r\nabc\r\n0\r\n\r\n"),
        chunk("space after an extension", "3;a=b \r\nabc\r\n0\r\n\r\n"),
        chunk("endless extension", "3;" + String(repeating: "a", count: 300) + "\r\nabc\r\n0\r\n\r\n"),
        chunk("data longer than its size", "3\r\nabcd\r\n0\r\n\r\n"),
        chunk("data shorter than its size", "4\r\nabc\r\n0\r\n\r\n"),
        chunk("bare LF after the data", "3\r\nabc\n0\r\n\r\n"), chunk("no CRLF after the data", "3\r\nabc0\r\n\r\n"),
        chunk("bare LF at the end", "0\r\n\n"), chunk("bare LF after the last size", "0\n\r\n"),
        chunk("folded trailer", "0\r\nA: b\r\n c\r\n\r\n"), chunk("trailer without a colon", "0\r\nA\r\n\r\n"),
        chunk("control character in a trailer", "0\r\nA: \u{01}\r\n\r\n"),
        chunk("request in place of a trailer", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        chunk("endless trailers", "0\r\n" + String(repeating: "A: bcdefgh\r\n", count: 400) + "\r\n"),
    ]

    static let credentials: [Case] = [
        "Authorization", "X-Api-Key", "x-seed-hash", "Idempotency-Key", "X-Tollgate-Signature", "X-Tollgate-Timestamp",
        "X-Tollgate-Anything",
    ].flatMap { name in
        [
            fields("\(name) twice", "\(name): a\r\n\(name): b"),
            fields("\(name) twice in other case", "\(name.lowercased()): a\r\nX: y\r\n\(name.uppercased()): a"),
        ]
    }
}

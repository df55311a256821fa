import HTTPCore
import Testing

@Suite struct HostNameTests {
    @Test(
        "P2 a domain has two labels or more, and is no address in any spelling",
        arguments: [
            ("a.example", true), ("1.2.3.4.example", true), ("0x7f.example", true), ("xn--bcher-kva.example", true),
            ("a-b.c-d", true), ("127.0.0.1", false), ("127.1", false), ("2130706433", false), ("0x7f.1", false),
            ("0x7f000001", false), ("0177.0.0.1", false), ("a.0x", false), ("a.0xff", false), ("a.08", false),
            ("localhost", false), ("", false), (".", false), ("a.", false), (".a", false), ("a..b", false),
            ("-a.b", false), ("a-.b", false), ("a_b.c", false), ("A.example", false), ("bücher.example", false),
            ("[::1]", false), ("::1", false), ("a.b:80", false), ("*.a.b", false),
        ])
    func domains(_ text: String, _ isDomain: Bool) { #expect(HostName.isDomain(text) == isDomain) }

    @Test("P2 a label has 63 bytes at most, a domain 253")
    func lengths() {
        let label = String(repeating: "a", count: 63)
        #expect(HostName.isDomain("\(label).example") && !HostName.isDomain("\(label)a.example"))
        let long = "\(label).\(label).\(label)." + String(repeating: "b", count: 61)
        #expect(long.utf8.count == 253 && HostName.isDomain(long) && !HostName.isDomain(long + "b"))
    }

    @Test(
        "G6 hosts are compared without case, port and a name's last dot",
        arguments: [
            ("A.Example", "a.example"), ("a.example.", "a.example"), ("a.example.:8080", "a.example"),
            ("a.example:8080", "a.example"), ("[::1]:80", "[::1]"), ("[::A]", "[::a]"),
        ])
    func folded(_ host: String, _ folded: String) { #expect(HostName.folded(host) == folded) }

    @Test(
        "P1 an address in Host is told from a name",
        arguments: [
            ("192.0.2.1", true), ("[::1]", true), ("[2001:db8::7]", true), ("::1", true), ("1.2.3.4.example", false),
            ("evil.example", false), ("localhost", false), ("[evil.example]", false), ("", false), ("[", false),
        ])
    func addresses(_ host: String, _ isAddress: Bool) { #expect(HostName.isAddress(host) == isAddress) }

    @Test(
        "G7 a trace is carried on where its grammar allows it",
        arguments: [
            ("00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-01"),
            ("00-\(trace)-\(parent)-ff", "00-\(trace)-\(parent)-ff"),
            ("01-\(trace)-\(parent)-03", "00-\(trace)-\(parent)-01"),
            ("fe-\(trace)-\(parent)-02-x", "00-\(trace)-\(parent)-00"),
            ("ff-\(trace)-\(parent)-01", nil), ("00-\(zeros)\(zeros)-\(parent)-01", nil),
            ("00-\(trace)-\(zeros)-01", nil),
            ("00-\(trace)-\(parent)-01-", nil), ("fe-\(trace)-\(parent)-01x", nil), ("00-\(trace)-\(parent)-0", nil),
            ("00-\(trace.uppercased())-\(parent)-01", nil), ("00-\(trace) \(parent)-01", nil), ("", nil),
        ])
    func traces(_ value: String, _ carried: String?) {
        let text = "GET / HTTP/1.1\r\nTraceparent: \(value)\r\n"
        let start = text.utf8.count - value.utf8.count - 2
        let field = RequestHead.Field(name: 16..<27, value: start..<start + value.utf8.count)
        let head = { (fields: [RequestHead.Field]) in
            RequestHead(method: .get, bytes: Array(text.utf8), target: 4..<5, path: 4..<5, query: nil, fields: fields)
        }
        #expect(head([field]).traceparent == carried)
        #expect(head([field, field]).traceparent == nil)
    }

    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"
    private static let zeros = "0000000000000000"
}

import HTTPCore
import TestSeeds
import Testing

private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(parsing: text), "\(text)") }

@Suite struct IPAddresses {
    @Test(
        "addresses are read and written in their canonical form",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
            ("::1", "::1"), ("1::", "1::"),
            ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("fe80:0000:0000:0000:0000:0000:0000:00ab", "fe80::ab"), ("::1.2.3.4", "::102:304"),
        ])
    func texts(text: String, canonical: String) throws {
        #expect(try address(text).description == canonical)
        #expect(try address(canonical) == address(text))
    }

    @Test(
        "anything else is no address",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ",
            " 1.2.3.4", "1.2.3.a", "0x1.2.3.4",
            "1.2.3.1234", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8",
            "12345::", "g::", "::1:",
            ":1::", "1:::2", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "fe80::1%eth0", "[::1]", "1.2.3.4:80",
            "::ffff:1.2.3.04", "1:2:3:4:5:6:7:1.2.3.4",
        ])
    func refused(text: String) { #expect(IPAddress(parsing: text) == nil) }

    @Test("any address reads back from its text")
    func roundTrip() throws {
        var random = Seeded(state: 7)
        for _ in 0..<5000 {
            // Sparse bits make runs of zero groups.
            let mask = random.next() & random.next() & random.next()
            let original = IPAddress(high: random.next() & mask, low: random.next() & mask & random.next())
            #expect(try address(original.description) == original)
        }
        #expect(try address("127.0.0.1") == .loopback)
    }

    @Test(
        "G6 IPv6 is metered by its /64, IPv4 whole, mapped or not",
        arguments: [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::1", "::"),
        ])
    func metering(text: String, key: String) throws { #expect(try address(text).meteringAddress == address(key)) }

    @Test(
        "a block holds its addresses and no others",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("::/0", "10.0.0.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false), ("192.0.2.0/31", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false), ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
            ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
            ("::1/128", "::1", true), ("::ffff:10.0.0.0/104", "10.2.3.4", true),
        ])
    func ranges(block: String, member: String, expected: Bool) throws {
        #expect(try #require(AddressRange(parsing: block)).contains(address(member)) == expected)
    }

    @Test(
        "what is not of the public Internet is told apart, whatever it is written as",
        arguments: [
            ("8.8.8.8", true), ("1.1.1.1", true), ("172.15.0.1", true), ("172.32.0.1", true), ("100.128.0.1", true),
            ("192.0.1.1", true), ("223.255.255.255", true), ("2606:4700::1111", true), ("2a00::1", true),
            ("64:ff9b::808:808", true), ("::ffff:8.8.8.8", true), ("0.0.0.0", false), ("10.0.0.1", false),
            ("100.64.0.1", false), ("127.0.0.1", false), ("127.255.0.1", false), ("169.254.169.254", false),
            ("172.16.0.1", false), ("172.31.255.255", false), ("192.0.0.8", false), ("192.168.1.1", false),
            ("198.18.0.1", false), ("203.0.113.1", false), ("224.0.0.1", false), ("255.255.255.255", false),
            ("::", false), ("::1", false), ("::ffff:127.0.0.1", false), ("::7f00:1", false), ("64:ff9b::a00:1", false),
            ("64:ff9b:1::1", false), ("2001::1", false), ("2001:db8::1", false), ("2002:7f00:1::", false),
            ("fc00::1", false), ("fd12::1", false), ("fe80::1", false), ("fec0::1", false), ("ff02::1", false),
        ])
    func reach(text: String, isPublic: Bool) throws { #expect(try address(text).isPublic == isPublic) }

    @Test(
        "a malformed block is refused",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8",
            "::/0128",
        ])
    func badRanges(text: String) { #expect(AddressRange(parsing: text) == nil) }

    @Test(
        "G6 X-Forwarded-For counts only behind trusted proxies, from the right",
        arguments: [
            ("203.0.113.5", "1.1.1.1", "203.0.113.5"), ("10.0.0.1", nil, "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
            ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"), ("10.0.0.1", "6.6.6.6, 1.1.1.1 ,10.0.0.2", "1.1.1.1"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"), ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", "garbage", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"), ("10.0.0.1", "1.1.1.1,", "1.1.1.1"),
            ("10.0.0.1", " ,, 1.1.1.1 ,\t,", "1.1.1.1"),
            ("10.0.0.1", "garbage, 1.1.1.1", "1.1.1.1"),
            ("10.0.0.1", "garbage, 10.0.0.2", "10.0.0.1"), ("10.0.0.1", "1.1.1.1:80", "1.1.1.1"),
            ("10.0.0.1", "1.1.1.1:51008, 10.0.0.2:9", "1.1.1.1"), ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"), ("10.0.0.1", "\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("10.0.0.1", "\"1.1.1.1:80\"", "1.1.1.1"), ("10.0.0.1", "::ffff:1.1.1.1", "1.1.1.1"),
            ("10.0.0.1", "[::ffff:1.1.1.1]:80", "1.1.1.1"), ("10.0.0.1", "1.1.1.1:", "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1:65536", "10.0.0.1"), ("10.0.0.1", "1.1.1.1:+8", "10.0.0.1"),
            ("10.0.0.1", "[1.1.1.1]:80", "10.0.0.1"), ("10.0.0.1", "[2001:db8::1]80", "10.0.0.1"),
            ("10.0.0.1", "[2001:db8::1", "10.0.0.1"), ("10.0.0.1", "unknown", "10.0.0.1"),
            ("10.0.0.1", "_hidden, 10.0.0.2", "10.0.0.1"), ("10.0.0.1", "\"1.1.1.1", "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1 2.2.2.2", "10.0.0.1"),
        ] as [(String, String?, String)])
    func forwarded(peer: String, header: String?, client: String) throws {
        let trusted = [try #require(AddressRange(parsing: "10.0.0.0/8"))]
        #expect(try IPAddress.client(peer: address(peer), forwardedFor: header, trusted: trusted) == address(client))
        #expect(try IPAddress.client(peer: address(peer), forwardedFor: header, trusted: []) == address(peer))
    }
}

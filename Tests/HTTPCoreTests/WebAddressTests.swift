import HTTPCore
import Testing

@Suite("addresses of services")
struct WebAddressTests {
    @Test(
        "H6 an address that clients read in two ways, or that names no host and port, is none",
        arguments: [
            "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://1.2.3.256/",
            "https://01.2.3.4/", "https://a.example:0/", "https://a.example:65536/", "https://a.example:/",
            "https://a.example:080/", "https://user@a.example/", "https://a.example\\@b.example/", "https://[::1/",
            "https://[1.2.3.4]/", "https://[fe80::1%25eth0]/", "https://::1/", "https:///", "https://a..example/",
            "https://-a.example/", "https://a_b.example/", "https://a%2eb.example/", "ftp://a.example/",
            "HTTPS://a.example/", "https:/a.example", "https://a.example/#x", "https://ä.example/", "",
        ])
    func none(_ text: String) {
        #expect(WebAddress(parsing: text) == nil)
    }

    @Test(
        "H6 a URL is kept with scheme and host in lower case, and all else as it was given",
        arguments: [
            ("HTTPS://A.Example:8443/Hook?X=Y", "https://a.example:8443/Hook?X=Y"),
            ("Https://A.EXAMPLE", "https://a.example"), ("https://A.example?Q=/A", "https://a.example?Q=/A"),
            ("https://[2606:4700::AB]/X", "https://[2606:4700::ab]/X"), ("https://a.example/X", "https://a.example/X"),
            ("No URL", "No URL"), ("HTTPS:/A", "HTTPS:/A"), ("", ""),
        ])
    func folded(given: String, kept: String) {
        #expect(WebAddress.folded(given) == kept)
    }

    @Test(
        "H4 two spellings of a URL lead to one place: host, port, escapes, dots and an empty query",
        arguments: [
            ("https://a.example", "https://A.example.:443/"), ("https://a.example/h", "https://a.example/%68"),
            ("https://a.example/h", "https://a.example/x/../h"), ("https://a.example/h", "https://a.example/./h?"),
            ("https://a.example/h", "https://a.example/../%2e%2E/h"),
            ("https://a.example/x/", "https://a.example/x/y/.."),
            ("https://a.example/", "https://a.example/.."), ("https://a.example/x/", "https://a.example/x/."),
            ("https://a.example/%c3%a9?q=%7e", "https://a.example/%C3%A9?q=~"),
            ("https://a.example?q", "https://a.example/?q"),
            ("https://127.0.0.1/h", "https://[::ffff:7f00:1]/h"),
        ])
    func one(_ url: String, _ other: String) {
        #expect(WebAddress.leadToOne(url, other))
        #expect(WebAddress.leadToOne(other, url))
    }

    @Test(
        "H4 URLs that a server tells apart lead to two places",
        arguments: [
            ("https://a.example/h", "https://b.example/h"), ("https://a.example/h", "https://a.example:8443/h"),
            ("https://a.example/h", "http://a.example/h"), ("https://a.example/h", "https://a.example/h/"),
            ("https://a.example/h", "https://a.example/H"), ("https://a.example/h", "https://a.example//h"),
            ("https://a.example/x/h", "https://a.example/x%2Fh"), ("https://a.example/h", "https://a.example/h?x"),
            ("https://a.example/h?x", "https://a.example/h%3Fx"), ("https://a.example/%", "https://a.example/%25"),
            ("https://a.example/?x/../y", "https://a.example/?y"), ("https://a.example/...", "https://a.example/"),
        ])
    func two(_ url: String, _ other: String) {
        #expect(!WebAddress.leadToOne(url, other))
    }

    @Test(
        "H6 a name is found for whoever calls it as its URL spells it",
        arguments: [
            ("https://a.example/h", "a.example"), ("https://a.example./h", "a.example."),
            ("https://a.example.:8443", "a.example."), ("http://a?x=b:c", "a"), ("https://a.example", "a.example"),
        ])
    func spelled(_ url: String, _ name: String) {
        #expect(WebAddress.spelledName(in: url) == name)
    }

    @Test("H6 a name is folded, an address is one address in whatever spelling it has")
    func hosts() {
        let hosts: [(String, WebAddress.Host)] = [
            ("https://A.Example.:443/x", .name("a.example")), ("http://localhost:8080?x", .name("localhost")),
            ("https://[2606:4700::1]:8443/", .address(IPAddress(parsing: "2606:4700:0:0:0:0:0:1")!)),
            ("https://[::ffff:127.0.0.1]/", .address(.loopback)), ("https://127.0.0.1/@:", .address(.loopback)),
        ]
        for (text, host) in hosts { #expect(WebAddress(parsing: text)?.host == host, "\(text)") }
    }

    @Test("H6 public hosts alone are allowed by the rule for them, and any host by the other")
    func rule() throws {
        let publicHosts = ["a.example", "1.1.1.1", "[2606:4700::1]"]
        let others = [
            "localhost", "a.localhost", "printer.local", "metadata.google.internal", "db", "127.0.0.1", "10.0.0.1",
            "169.254.169.254", "168.63.129.16", "[64:ff9b::a83f:8110]", "100.100.100.200", "[fd00:ec2::254]",
            "[::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]",
        ]
        for host in publicHosts + others {
            let address = try #require(WebAddress(parsing: "https://\(host)/"))
            #expect(address.isAllowed(by: .publicOnly) == publicHosts.contains(host), "\(host)")
            #expect(address.isAllowed(by: .any))
        }
    }

    @Test("O9 what only this machine, one link, a group or nobody has is reached by nobody else")
    func reach() throws {
        for text in [
            "0.0.0.0", "127.9.9.9", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "ff02::1",
            "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:101", "2002:7f00:1::", "2002:a9fe:101:5::1",
            "2001:db8::1", "3fff:fff::1", "100::1",
        ] {
            #expect(try #require(IPAddress(parsing: text)).isReachable == false, "\(text)")
        }
        for text in [
            "10.0.0.1", "185.1.2.3", "203.0.113.1", "2606:4700::1", "fd00::1", "64:ff9b::b901:203", "2002:b901:203::1",
        ] {
            #expect(try #require(IPAddress(parsing: text)).isReachable, "\(text)")
        }
    }
}

"""Where a webhook may not lead: hosts that are nobody's on the public net, in every spelling, and what is no URL."""

LITERALS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[fe80::1%25lo]", "[fd00::1]", "169.254.169.254", "169.254.170.2", "100.64.0.1", "192.0.0.1", "198.18.0.1",
    "224.0.0.1", "255.255.255.255", "10.0.0.1", "172.16.0.1", "192.168.0.1", "127.0.0.1.", "1.2.3.4.5",
    "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "0", "0x7f.1", "localhost", "localhost.", "a.localhost",
    "metadata.google.internal", "printer.local", "intranet", "a.home.arpa", "168.63.129.16", "[::ffff:168.63.129.16]",
    "[64:ff9b::a83f:8110]", "[fd00:ec2::254]", "100.100.100.200"]
FORMS = [
    "http://shop.example/", "file:///etc/passwd", "gopher://shop.example/", "ftp://shop.example/", "//shop.example/",
    "shop.example", "https://user:pass@shop.example/", "https://user@shop.example/", "https://shop.example/a\r\nb",
    "https://shop.example/\t", "https://shop.example/\u0000", "https://shop.example\\@other.example/",
    "https://shop.example/#fragment", "https://shop.example/" + "a" * 2048, "https:///path", "https://",
    "https://:443/", "https://shop.example:0/", "https://shop.example:65536/", "https://shop.example:99999999/",
    "https://shop.example:-1/", "https://shop.example:44a/", "https://sh\u043ep.example/", "https://127%2e0.0.1/",
    "https://[::1/", "https://sho p.example/", "HTTP://shop.example/"]

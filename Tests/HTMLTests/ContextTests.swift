import HTML
import Testing

/// What debug builds assert of every literal and of every value in it.
@Suite struct Context {
    private typealias Fault = MarkupContext.Fault
    private typealias Piece = MarkupContext.Piece

    /// What is wrong with a piece between these literals; with none, what is wrong with the markup.
    private func fault(_ before: StaticString, _ piece: Piece? = nil, _ after: StaticString = "") -> Fault? {
        var context = MarkupContext()
        context.read(before)
        if let piece { context.insert(piece) }
        context.read(after)
        return context.endFault
    }

    /// Every place in markup, what may stand there, and the fault of all else.
    private static let places: [(before: StaticString, after: StaticString, takes: [Piece: Fault?])] = [
        ("<p>", "</p>", anything),
        ("<title>", "</title>", textAlone),
        (
            "<select>", "</select>",
            [.text: .textAmongElements, .markup: nil, .link: .addressElsewhere, .attributes: .malformed]
        ),
        (
            "<table><tr>", "</tr></table>",
            [.text: .textAmongElements, .markup: nil, .link: .addressElsewhere, .attributes: .malformed]
        ),
        ("<option>", "</option>", textAlone),
        ("<textarea rows=\"2\">\n", "</textarea>", textAlone),
        ("<svg><title>", "</title></svg>", textAlone),
        ("<details><summary>", "</summary></details>", anything),
        ("<svg><text>", "</text></svg>", anything),
        (
            "<rect fill=\"", "\"></rect>",
            [
                .text: .textAsAddress, .link: .addressElsewhere, .markup: .markupInValue,
                .attributes: .markupInValue,
            ]
        ),
        ("<script src=\"/a.js\" defer>", "</script>", all(.inScript)),
        ("<script>", "</script>", all(.inScript)),
        ("<style>", "</style>", all(.inScript)),
        (
            "<i title=\"", "\"></i>",
            [
                .text: nil, .link: .addressElsewhere, .markup: .markupInValue,
                .attributes: .markupInValue,
            ]
        ),
        (
            "<a href=\"", "\"></a>",
            [
                .text: .textAsAddress, .link: nil, .markup: .markupInValue,
                .attributes: .markupInValue,
            ]
        ),
        ("<a href=\"/x\"", "></a>", attributesAlone),
        ("<a", "></a>", attributesAlone),
        ("<a", " href=\"\"></a>", attributesAlone),
        ("<a ", "></a>", all(.valueInTag)),
        ("<a id", "></a>", all(.valueInTag)),
        ("<", "></a>", all(.valueInTag)),
        ("<a></", "></a>", all(.valueInTag)),
        ("<!doctype ", ">", all(.valueInTag)),
        ("<i title=", "></i>", all(.unquoted)),
    ]

    private static let anything: [Piece: Fault?] = [
        .text: nil, .markup: nil, .link: .addressElsewhere, .attributes: .malformed,
    ]
    private static let textAlone: [Piece: Fault?] = [
        .text: nil, .markup: .markupInPlainText, .link: .addressElsewhere,
        .attributes: .malformed,
    ]
    private static let attributesAlone: [Piece: Fault?] = [
        .attributes: nil, .text: .valueInTag, .markup: .valueInTag, .link: .valueInTag,
    ]

    private static func all(_ fault: Fault) -> [Piece: Fault?] {
        Dictionary(uniqueKeysWithValues: Piece.allCases.map { ($0, fault) })
    }

    @Test("each kind of value stands where it may and nowhere else")
    func places() {
        for place in Self.places {
            for piece in Piece.allCases {
                let expected = place.takes[piece] ?? .endsInsideTag
                #expect(fault(place.before, piece, place.after) == expected, "\(piece) in \(place.before)")
            }
        }
    }

    @Test(
        "an address is the whole of its value's beginning, and a text is none, whatever the attribute",
        arguments: [
            "href", "src", "action", "formaction", "data", "poster", "cite", "ping", "background", "manifest",
            "srcset",
        ])
    func addresses(name: String) {
        let before: StaticString =
            switch name {
            case "href": "<i href=\""
            case "src": "<i src=\""
            case "action": "<i action=\""
            case "formaction": "<i formaction=\""
            case "data": "<i data=\""
            case "poster": "<i poster=\""
            case "cite": "<i cite=\""
            case "ping": "<i ping=\""
            case "background": "<i background=\""
            case "manifest": "<i manifest=\""
            default: "<i srcset=\""
            }
        #expect(fault(before, .text, "\"></i>") == .textAsAddress)
        #expect(fault(before, .link, "\"></i>") == nil)
        #expect(fault(before, .link, "?a=b\"></i>") == nil)
    }

    @Test("an address behind other text is refused: that text would be its scheme")
    func addressBehindText() {
        #expect(fault("<a href=\"x", .link, "\"></a>") == .addressElsewhere)
        var context = MarkupContext()
        context.read("<a href=\"")
        context.insert(.link)
        context.insert(.link)
        #expect(context.fault == .addressElsewhere)
    }

    @Test("attributes that are read a second time are refused, with a value or without")
    func refusedAttributes() {
        for markup in [
            "<i onclick=\"x\"></i>", "<i onx></i>", "<i style=\"x\"></i>", "<i srcdoc=\"\"></i>",
            "<meta http-equiv=\"refresh\">", "<i id=\"a\" onload=\"x\"></i>",
        ] as [StaticString] {
            #expect(fault(markup) == .refusedAttribute, "\(markup)")
        }
    }

    @Test("literals that end inside something, or that this reader does not know, are refused")
    func literals() {
        let faults: [(StaticString, Fault)] = [
            ("<p", .endsInsideTag), ("<", .endsInsideTag), ("<p title=\"", .endsInsideTag),
            ("<p title=\"x\"", .endsInsideTag),
            ("<p></p", .endsInsideTag), ("<!doctype html", .endsInsideTag), ("<p>", .endsInsideElement),
            ("<script>", .endsInsideElement), ("</p>", .unbalanced), ("<p></b>", .unbalanced),
            ("<b><i></b></i>", .unbalanced), ("<br></br>", .unbalanced), ("<p></p></p>", .unbalanced),
            ("<script>alert(1)</script>", .inScript), ("<style>a{}</style>", .inScript),
            ("<script> </script>", .inScript),
            ("<script><b></script>", .inScript), ("<!-- x -->", .comment),
            ("<title><b></b></title>", .markupInPlainText),
            ("<p title=x></p>", .unquoted), ("<p title='x'></p>", .unquoted), ("<p title= \"x\"></p>", .unquoted),
            ("<p title=></p>", .unquoted), ("<br/>", .malformed), ("<br />", .malformed), ("<P></P>", .malformed),
            ("<p title=\"a\"id=\"b\"></p>", .malformed), ("< p></p>", .malformed), ("<1>", .malformed),
            ("<p \"></p>", .malformed),
            ("<p =\"x\"></p>", .malformed), ("<?php>", .malformed), ("<></>", .malformed),
            ("<table>x</table>", .textAmongElements), ("<tr><td></td>x</tr>", .textAmongElements),
            ("<select>x</select>", .textAmongElements), ("<ul>x</ul>", .textAmongElements),
            ("<textarea><b></b></textarea>", .markupInPlainText), ("<option><b></b></option>", .markupInPlainText),
            ("<svg><rect/></svg>", .malformed), ("<svg viewBox=\"0 0 1 1\"></svg>", .malformed),
            ("<svg><foreignobject></foreignobject></svg>", .refusedElement),
            ("<svg><style>a</style></svg>", .inScript), ("<iframe></iframe>", .refusedElement),
            ("<base href=\"/\">", .refusedElement), ("<template></template>", .refusedElement),
            ("<svg><set></set></svg>", .refusedElement), ("<svg><a xlink:href=\"\"></a></svg>", .malformed),
        ]
        for (markup, expected) in faults { #expect(fault(markup) == expected, "\(markup)") }
        let sound: [StaticString] = [
            "", "text & \"quotes\" > '", "<p></p>", "<br>", "<h1>a</h1>", "<input required><hr>", "<a href=\"\">x</a>",
            "<select name=\"a\">\n<optgroup><option selected>x</option></optgroup>\n</select>",
            "<svg viewbox=\"0 0 9 9\"><title>x</title><g><rect width=\"41.2%\"></rect></g></svg>",
            "<details open><summary>x</summary><p>y</p></details>", "<table>\n<tr>\n<td>x</td></tr></table>",
            "<textarea>\n</textarea>", "<p title=\"<b>\"></p>", "<script src=\"/a.js\" defer></script>",
            "<p\n title=\"x\"\n></p>", "<p  ></p>",
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>x</title></html>",
        ]
        for markup in sound { #expect(fault(markup) == nil, "\(markup)") }
    }

    @Test("after its first fault nothing more is read")
    func firstFault() {
        var context = MarkupContext()
        context.read("<p title=x>")
        context.read("</b>")
        context.insert(.markup)
        #expect(context.fault == .unquoted && context.endFault == .unquoted)
    }

    #if DEBUG
        @Test("a debug build ends at markup that is wrong: a text without quotes")
        func unquoted() async {
            await #expect(processExitsWith: .failure) {
                let name = "x onclick=alert(1)"
                let html: HTML = "<p title=\(name)></p>"
                print(html.bytes.count)
            }
        }

        @Test("a debug build ends at markup that is wrong: a text as an address")
        func textAsAddress() async {
            await #expect(processExitsWith: .failure) {
                let address = "javascript:alert(1)"
                let html: HTML = #"<a href="\#(address)">x</a>"#
                print(html.bytes.count)
            }
        }

        @Test("a debug build ends at markup that is wrong: an element that stays open")
        func unbalanced() async {
            await #expect(processExitsWith: .failure) {
                let html: HTML = "<main><p>\("x")</main>"
                print(html.bytes.count)
            }
        }

        @Test("a debug build ends at an attribute that takes no text")
        func attribute() async {
            await #expect(processExitsWith: .failure) {
                var attributes = Attributes()
                attributes.set("onclick", "alert(1)")
            }
        }
    #endif
}

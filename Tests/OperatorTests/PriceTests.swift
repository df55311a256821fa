import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import Testing

private let header =
    "reseller,sku,wholesale_monthly,wholesale_quarterly,wholesale_semi_annual,wholesale_annual,wholesale_hourly,"
    + "wholesale_setup_fee,discount_rate_override,is_enabled,max_quantity"
private let wholeHeader = header + ",wholesale_once"

extension Office {
    func product(_ sku: String) async {
        await call(.post, "/products", #"{"sku":"\#(sku)","name":"\#(sku)","fulfilment":"instant"}"#)
    }

    @discardableResult
    func importBook(_ lines: [String]) async -> Answered {
        await call(.post, "/price-book.csv", lines.map { $0 + "\r\n" }.joined())
    }

    func expectNothingStaged() async throws {
        let rows = try await onLane { try $0.connection.row("SELECT count(*) FROM price_staging") { try $0.int() } }
        #expect(rows == 0)
    }
}

@Suite struct Prices {
    @Test("O4 products keep their SKU, are hidden rather than deleted, and are fulfilled in one of four ways")
    func products() async throws {
        try await Office.open { office in
            let made = await office.call(
                .post, "/products",
                #"{"sku":"vps-1","name":"VPS","fulfilment":"manual","days":30,"retail_price":"9.99"}"#)
            #expect(made.status == 201 && made["retail_price"] == "9.99" && made["hidden"] == "false")
            let again = await office.call(.post, "/products", #"{"sku":"vps-1","name":"V","fulfilment":"instant"}"#)
            #expect(again.status == 409 && again.refusal?.code == "sku_taken")
            let changed = await office.call(.patch, "/products/vps-1", #"{"hidden":true,"days":null}"#)
            #expect(changed["hidden"] == "true" && changed["days"] == "null" && changed["retail_price"] == "9.99")
            for (body, pointers) in [
                (#"{"sku":"-a","name":"","fulfilment":"nothing"}"#, ["/sku", "/name", "/fulfilment"]),
                (#"{"sku":"a b","name":"A","fulfilment":"x","days":0}"#, ["/sku", "/fulfilment", "/days"]),
            ] {
                #expect(await office.call(.post, "/products", body).pointers == pointers)
            }
            for fulfilment in Fulfilment.allCases.map(\.rawValue) {
                let kept = await office.call(.patch, "/products/vps-1", #"{"fulfilment":"\#(fulfilment)"}"#)
                #expect(kept["fulfilment"] == fulfilment)
            }
            #expect(await office.call(.patch, "/products/vps-1", #"{"sku":"b"}"#).pointers == ["/sku"])
            #expect(await office.call(.patch, "/products/none", #"{"hidden":true}"#).status == 404)
        }
    }

    @Test("O4 a price row changes by what is named: the rest stays, null takes away, nothing is 422")
    func rows() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            await office.product("vps")
            let path = "/resellers/\(id)/products/vps"
            #expect(await office.call(.get, path).status == 404)
            let first = await office.call(
                .put, path, #"{"wholesale_monthly":"5","wholesale_hourly":"0.001234","max_quantity":3}"#)
            #expect(first["wholesale_monthly"] == "5.00" && first["wholesale_hourly"] == "0.001234")
            #expect(first["is_enabled"] == "true" && first["max_quantity"] == "3")
            await office.call(.put, path, #"{"wholesale_annual":50,"discount_rate_override":"0","is_enabled":false}"#)
            let second = await office.call(.get, path)
            #expect(second["wholesale_monthly"] == "5.00" && second["wholesale_annual"] == "50.00")
            #expect(second["wholesale_hourly"] == "0.001234" && second["max_quantity"] == "3")
            #expect(second["discount_rate_override"] == "0" && second["is_enabled"] == "false")
            for nothing in ["{}", #"{"is_enabled":null}"#] {
                #expect(await office.call(.put, path, nothing).status == 422)
            }
            await office.call(.put, path, #"{"wholesale_hourly":null,"max_quantity":null}"#)
            let third = await office.call(.get, path)
            #expect(third["wholesale_hourly"] == "null" && third["max_quantity"] == "null")
            #expect(third["wholesale_monthly"] == "5.00" && third["is_enabled"] == "false")
            let wrong = await office.call(
                .put, path,
                #"{"wholesale_monthly":-1,"wholesale_annual":"1.1234567","wholesale_hourly":"1000000001","wholesale_montly":1}"#
            )
            #expect(
                wrong.pointers == ["/wholesale_monthly", "/wholesale_annual", "/wholesale_hourly", "/wholesale_montly"])
            #expect(await office.call(.get, "/resellers/\(id)/products").data.count == 1)
        }
    }

    @Test("O4 what was exported imports to the same book, byte for byte, by id and by e-mail address")
    func roundTrip() async throws {
        try await Office.open { office in
            let (a, b) = (await office.reseller("a@example.com"), await office.reseller("b@example.com"))
            for sku in ["s1", "s2"] { await office.product(sku) }
            let lines = [
                wholeHeader, "\(a),s1,5.00,14.00,,50.25,0.001234,1.5,12.5,true,10,4.5",
                "b@example.com,s2,,,,,,,,false,,", "A@example.com,s2,1,,,,,0,0,true,0,",
            ]
            let imported = await office.importBook(lines)
            #expect(imported.status == 200 && imported["rows"] == "3")
            let book = await office.call(.get, "/price-book.csv")
            #expect(book.headers.contains("Content-Type: text/csv"))
            #expect(
                book.text
                    == [
                        wholeHeader, "\(a),s1,5.00,14.00,,50.25,0.001234,1.50,12.5,true,10,4.50",
                        "\(a),s2,1.00,,,,,0.00,0,true,0,",
                        "\(b),s2,,,,,,,,false,,",
                    ].map { $0 + "\r\n" }.joined())
            #expect(await office.call(.post, "/price-book.csv", body: book.body).status == 200)
            #expect(await office.call(.get, "/price-book.csv").body == book.body)
            try await office.expectNothingStaged()
        }
    }

    @Test("O4 W1 a book with a terminated reseller's prices comes in again as it went out, and changes none of them")
    func terminatedReseller() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            for sku in ["s1", "s2"] { await office.product(sku) }
            let row = "\(id),s1,5.00,,,,,,,true,"
            #expect(await office.importBook([header, row]).status == 200)
            #expect(await office.call(.post, "/resellers/\(id)/terminate").status == 200)
            let book = await office.call(.get, "/price-book.csv")
            #expect(await office.call(.post, "/price-book.csv", body: book.body).status == 200)
            for other in ["\(id),s1,6.00,,,,,,,true,", "\(id),s2,5.00,,,,,,,true,"] {
                let refused = await office.importBook([header, other])
                #expect(refused.status == 422 && refused.pointers == ["/line/2/reseller"])
            }
            #expect(await office.call(.get, "/price-book.csv").body == book.body)
            try await office.expectNothingStaged()
        }
    }

    @Test("O4 columns may stand in any order")
    func order() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            await office.product("s1")
            let columns = header.split(separator: ",").reversed().joined(separator: ",")
            let values = "\(id),s1,5,,,,,,,true,".split(separator: ",", omittingEmptySubsequences: false)
            #expect(await office.importBook([columns, values.reversed().joined(separator: ",")]).status == 200)
            #expect(await office.call(.get, "/resellers/\(id)/products/s1")["wholesale_monthly"] == "5.00")
        }
    }

    @Test("O4 one wrong row and nothing is imported; every error has its line")
    func allOrNone() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            for sku in ["s1", "s2"] { await office.product(sku) }
            await office.importBook([header, "\(id),s1,5.00,,,,,,,true,"])
            let before = await office.call(.get, "/price-book.csv").body
            let answer = await office.importBook([
                header, "\(id),s1,6,,,,,,,true,", "\(id),s2,-1,x,,,,,101,yes,1.5", "res_none,s9,1,,,,,,,true,",
                "\(id),s1,7,,,,,,,true,", ",,,,,,,,,,", "\(id),s2",
            ])
            #expect(answer.status == 422)
            #expect(
                answer.pointers == [
                    "/line/3/wholesale_monthly", "/line/3/wholesale_quarterly", "/line/3/discount_rate_override",
                    "/line/3/is_enabled", "/line/3/max_quantity", "/line/4/reseller", "/line/4/sku", "/line/5/sku",
                    "/line/7",
                ])
            #expect(await office.call(.get, "/price-book.csv").body == before)
            try await office.expectNothingStaged()
        }
    }

    @Test(
        "O4 a file without the right header, or that is no CSV, is refused with the line",
        arguments: [
            ([], ["/line/1"]),
            (["reseller,wholesale_monthly"], ["/line/1/sku"]), (["reseller,sku"], ["/line/1"]),
            ([header + ",colour,sku"], ["/line/1/colour", "/line/1/sku"]), ([header, "a\"b"], ["/line/2"]),
            ([header, "\"a"], ["/line/2"]),
        ] as [([String], [String])])
    func headers(lines: [String], pointers: [String]) async throws {
        try await Office.open { office in
            let answer = await office.importBook(lines)
            #expect(answer.status == 422)
            #expect(answer.pointers == pointers)
        }
    }

    @Test("O4 a file of some columns leaves the others as they are, and prices nothing else in new rows")
    func someColumns() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            try await office.onLane { tenant in
                for sku in ["p1", "p2"] {
                    _ = try tenant.insertProduct(
                        sku: sku, name: sku, fulfilment: .instant, isHidden: false, days: nil, retailPrice: nil)
                }
            }
            #expect(await office.importBook([header, "\(id),p1,1.00,,,10.00,,2.50,12.5,false,7"]).status == 200)
            let some = ["reseller,sku,wholesale_monthly", "\(id),p1,3.00", "\(id),p2,4.00"]
            #expect(await office.importBook(some).status == 200)
            let book = await office.call(.get, "/price-book.csv").text
            #expect(book.contains("\(id),p1,3.00,,,10.00,,2.50,12.5,false,7,\r\n"))
            #expect(book.contains("\(id),p2,4.00,,,,,,,true,,\r\n"))
        }
    }

    @Test("O4 a book of many chunks is seen whole or not at all, and at most a hundred errors are listed")
    func chunks() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            let count = 2 * ImportProgress.chunkRows + 50
            try await office.onLane { tenant in
                for index in 0..<count {
                    _ = try tenant.insertProduct(
                        sku: "p\(index)", name: "p", fulfilment: .instant, isHidden: false, days: nil, retailPrice: nil)
                }
            }
            let rows = (0..<count).map { "\(id),p\($0),\($0),,,,,,,true," }
            // The last row is wrong: hundreds before it were staged by then.
            let late = await office.importBook([header] + rows + ["\(id),p0,1,,,,,,,true,"])
            #expect(late.pointers == ["/line/\(count + 2)/sku"])
            #expect(await office.call(.get, "/price-book.csv").text == wholeHeader + "\r\n")
            try await office.expectNothingStaged()
            let many = await office.importBook([header] + rows.map { $0.replacing(",true,", with: ",maybe,") })
            #expect(many.pointers.count == ImportProgress.errorsMax)
            #expect(await office.importBook([header] + rows)["rows"] == "\(count)")
            let exported = await office.call(.get, "/price-book.csv").text.split(separator: "\r\n")
            #expect(exported.count == count + 1 && exported.last == "\(id),p\(count - 1),\(count - 1).00,,,,,,,true,,")
        }
    }
}

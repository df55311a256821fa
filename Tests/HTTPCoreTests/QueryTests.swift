import HTTPCore
import Testing

@Suite struct Queries {
    @Test(
        "pairs are decoded in order",
        arguments: [
            ("", []), ("&&", []), ("a=1&b=2", ["a=1", "b=2"]), ("a", ["a="]), ("a=", ["a="]), ("=x", ["=x"]),
            ("a=b=c", ["a=b=c"]),
            ("q=a+b%20c%2Bd", ["q=a b c+d"]), ("n%61me=%C3%A9%E2%82%ac", ["name=é€"]), ("a=1&a=2", ["a=1", "a=2"]),
            ("a=é", ["a=é"]),
        ])
    func pairs(text: String, expected: [String]) throws {
        #expect(try Query(parsing: text).pairs.map { "\($0.name)=\($0.value)" } == expected)
        #expect(try Query(form: Array(text.utf8)).pairs.count == expected.count)
    }

    @Test("a repeated name is seen, its first value is the one read")
    func repeated() throws {
        let query = try Query(parsing: "a=1&b=2&%61=3")
        #expect(query["a"] == "1" && query["b"] == "2" && query["c"] == nil)
        #expect(query.repeated == "a")
        #expect(try Query(parsing: "a=1&b=1").repeated == nil && Query.none.pairs.isEmpty)
    }

    @Test("what is read stands once, whatever else stands twice")
    func repeatedOf() throws {
        let query = try Query(parsing: "x=1&x=2&a=1&b=2&%61=3")
        #expect(query.repeated(of: ["b", "a"]) == "a" && query.repeated(of: ["b", "c"]) == nil)
        #expect(Query.none.repeated(of: ["a"]) == nil)
    }

    @Test(
        "a bad escape is an error, never a guess",
        arguments: ["%", "%1", "%zz", "%1g", "a%", "%%20", "%00", "a=%", "%+1", "% 1"])
    func escapes(text: String) {
        #expect(throws: QueryError.badEscape) { try Query(parsing: text) }
        #expect(throws: QueryError.badEscape) { try percentDecoded(text) }
    }

    @Test("what decodes to invalid UTF-8 is an error", arguments: ["%80", "%C3", "%C0%AF", "%ED%A0%80", "a=%FF"])
    func utf8(text: String) {
        #expect(throws: QueryError.invalidUTF8) { try Query(parsing: text) }
        #expect(throws: QueryError.invalidUTF8) { try percentDecoded(text) }
        #expect(throws: QueryError.invalidUTF8) { try Query(form: [0x61, 0xFF]) }
    }

    @Test("G6 more marks in a row than any script has are an error")
    func marks() throws {
        let most = String(repeating: "%CC%81", count: String.marksMax)
        #expect(try Query(parsing: "a=\(most)&\(most)=b").pairs.count == 2)
        #expect(throws: QueryError.tooManyMarks) { try Query(parsing: "a=\(most)%CC%A3") }
        #expect(throws: QueryError.tooManyMarks) { try Query(form: Array("\(most)%CC%A3=a".utf8)) }
        #expect(throws: QueryError.tooManyMarks) { try percentDecoded(most + "%CC%A3") }
    }

    @Test("a path segment keeps its plus")
    func segments() throws {
        #expect(try percentDecoded("a+b%2Fc%20d") == "a+b/c d")
    }

    @Test("pairs end at the bound")
    func bound() throws {
        let most = Array(repeating: "a=1", count: Query.pairsMax).joined(separator: "&")
        #expect(try Query(parsing: most).pairs.count == Query.pairsMax)
        #expect(throws: QueryError.tooManyPairs) { try Query(parsing: most + "&a=1") }
    }
}

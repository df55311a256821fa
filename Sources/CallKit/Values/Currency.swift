/// A currency by its ISO 4217 code, with the digits of its minor unit. A tenant has one, for ever (P1).
///
/// Invariant: an active ISO 4217 code in upper case. A value: any thread.
package struct Currency: Sendable, Hashable {
    package let code: String
    /// Digits after the point of the smallest coin: 2 for EUR, 0 for JPY, 3 for KWD.
    package let minorUnitDigits: Int

    package static let usDollar = Currency(code: "USD", minorUnitDigits: 2)

    /// nil for a code that ISO 4217 does not list as money; codes are upper case.
    package init?(_ code: String) {
        guard let digits = Self.minorUnitDigits[code] else { return nil }
        self.init(code: code, minorUnitDigits: digits)
    }

    /// All of them, in order.
    package static let codes = minorUnitDigits.keys.sorted()

    private init(code: String, minorUnitDigits: Int) {
        self.code = code
        self.minorUnitDigits = minorUnitDigits
    }

    private static let minorUnitDigits: [String: Int] = {
        var table: [String: Int] = [:]
        for (digits, codes) in codesByDigits {
            for code in codes.split(whereSeparator: \.isWhitespace) { table[String(code)] = digits }
        }
        return table
    }()

    private static let codesByDigits: [(digits: Int, codes: String)] = [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
        (
            2,
            """
            AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
            CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG
            HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
            MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD
            SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG
            YER ZAR ZMW ZWG
            """
        ),
    ]
}

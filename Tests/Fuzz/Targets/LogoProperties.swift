import TenantApp

/// What is taken for a logo is one picture and nothing else: no byte of it can be left out, none can follow.
enum LogoProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        guard let image = try? LogoImage(input) else { return }
        let sides = 1...LogoImage.sideMax
        try demand(sides.contains(image.width) && sides.contains(image.height), "a logo of a size that is not taken")
        try demand((try? LogoImage(input + [0])) == nil, "a logo has a byte behind it")
        try demand((try? LogoImage(Array(input.dropLast()))) == nil, "a logo is whole without its end")
        try demand((try? LogoImage(Array(input.dropFirst()))) == nil, "a logo is whole without its beginning")
    }
}

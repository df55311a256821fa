/// An input with its label, what it is for and what was wrong with it. Its name is the operation's own. A value: any
/// thread.
package struct Field: MarkupPart {
    package enum Kind: Sendable {
        case text, email, search, url
        /// What is no day stands as it was typed.
        case date
        /// A time in UTC, to the minute or the second. Its value is RFC 3339; what is none stands as it was typed.
        case moment
        /// Text with a keyboard of digits: what somebody types is kept, even if it is no number.
        case number, decimal
        /// Its value is never written.
        case password
        case textarea(rows: Int)
        /// A text of several lines whose value is never written: a private key.
        case secret(rows: Int)
        case select([Option])
        case radios([Option])
        /// Sends `true`, or nothing.
        case checkbox
        /// Takes files of these kinds, say `.csv`.
        case file(String)
    }

    package struct Option: Sendable {
        let value: String
        let text: String
        let about: String?

        /// `about`: a line more, among radio buttons.
        package init(_ value: String, _ text: String? = nil, about: String? = nil) {
            self.value = value
            self.text = text ?? value
            self.about = about
        }
    }

    package enum Size: String, Sendable {
        case short, wide
    }

    package let name: String
    private let label: String
    private let kind: Kind
    private let value: String
    private let unit: String?
    private let hint: String?
    private let error: String?
    private let isRequired: Bool
    private let size: Size?
    private let id: String
    private var attributes = Attributes()

    /// `error`: what was wrong with the value that was sent. `characters`: how many there may be, as the page says; the
    /// operation judges them again. `unit`: behind the input. `scope`: where a page has two fields of one name.
    package init(
        _ label: String, name: String, kind: Kind = .text, value: String? = nil, unit: String? = nil,
        hint: String? = nil, error: String? = nil, isRequired: Bool = true, charactersMin: Int? = nil,
        charactersMax: Int? = nil, autocomplete: String? = nil, size: Size? = nil, isFirst: Bool = false,
        scope: String? = nil
    ) {
        self.name = name
        self.label = label
        self.kind = kind
        self.value = value ?? ""
        self.unit = unit
        self.hint = hint
        self.error = error
        self.isRequired = isRequired
        self.size = size
        id = Self.id(name, scope: scope)
        attributes.set("name", name)
        attributes.set("minlength", charactersMin)
        attributes.set("maxlength", charactersMax)
        attributes.set("required", if: isRequired)
        attributes.set("autocomplete", autocomplete)
        attributes.set("autofocus", if: isFirst)
    }

    /// Its id on the page: every byte that an id or a selector could not take is written as its number.
    package static func id(_ name: String, scope: String? = nil) -> String {
        let plain = (scope.map { "\($0)-" } ?? "") + name
        return plain.utf8.reduce(into: "f-") { id, byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.properties.isAlphabetic && byte < 0x80 || (0x30...0x39).contains(byte)
            id += isPlain || scalar == "-" || scalar == "_" ? String(scalar) : ".\(byte)"
        }
    }

    package static func hidden(_ name: String, _ value: String) -> HTML {
        #"<input type="hidden" name="\#(name)" value="\#(value)">"#
    }

    /// Beside a password of a known account, for whoever keeps passwords. It is not sent.
    package static func username(_ email: String) -> HTML {
        #"<input type="text" autocomplete="username" value="\#(email)" hidden>"#
    }

    package var html: HTML {
        switch kind {
        case .checkbox:
            let box = input("checkbox", value: "true", isChecked: value == "true")
            return #"<div class="field check">\#(box)\#(title)\#(notes)</div>"#
        case .radios(let options):
            // The head of the page leads to the group: what takes the focus is read out with its error.
            var group = state
            group.set("tabindex", error.map { _ in "-1" })
            return """
                <fieldset class="choices" role="radiogroup"\(group)><legend>\(label)</legend>\
                \(each: options, radio)\(notes)</fieldset>
                """
        default:
            let classes = size.map { "field \($0.rawValue)" } ?? "field"
            let whole: HTML = unit.map { #"<div class="unit">\#(control)<span>\#($0)</span></div>"# } ?? control
            return #"<div class="\#(classes)">\#(title)\#(whole)\#(notes)</div>"#
        }
    }

    private var title: HTML {
        #"<label for="\#(id)">\#(label)\#(if: isText && !isRequired, #" <span class="sub">optional</span>"#)</label>"#
    }

    /// Whether somebody types: an empty one is a choice not to.
    private var isText: Bool {
        switch kind {
        case .select, .checkbox, .radios, .search, .date, .moment: false
        default: true
        }
    }

    private var notes: HTML {
        let help: HTML? = hint.map { #"<p class="hint" id="\#(id)-hint">\#($0)</p>"# }
        let wrong: HTML? = error.map { #"<p class="error" id="\#(id)-error">\#($0)</p>"# }
        return "\(help)\(wrong)"
    }

    private var state: Attributes {
        let notes = (error == nil ? [] : ["\(id)-error"]) + (hint == nil ? [] : ["\(id)-hint"])
        var state = Attributes()
        state.set("id", id)
        state.set("aria-invalid", error.map { _ in "true" })
        state.set("aria-describedby", notes.isEmpty ? nil : notes.joined(separator: " "))
        return state
    }

    private var control: HTML {
        switch kind {
        case .text: input("text", value: value)
        case .email: input("email", value: value)
        case .search: input("search", value: value)
        case .url: input("url", value: value)
        case .date: input(value.isEmpty || Self.shape(of: value) == "0000-00-00" ? "date" : "text", value: value)
        case .moment: moment
        case .number: input("text", value: value, keyboard: "numeric")
        case .decimal: input("text", value: value, keyboard: "decimal")
        case .password: input("password", value: nil)
        case .file(let kinds): input("file", value: nil, accept: kinds)
        // A reader drops the line feed that a value begins with, so the markup has one more.
        case .textarea(let rows): "<textarea rows=\"\(rows)\"\(state + attributes)>\n\(value)</textarea>"
        case .secret(let rows): "<textarea rows=\"\(rows)\"\(state + attributes)></textarea>"
        case .select(let options):
            "<select\(state + attributes)>\(each: options + others(than: options), option)</select>"
        case .checkbox, .radios: ""
        }
    }

    private var moment: HTML {
        guard let local = Self.localTime(value) else { return input("text", value: value) }
        return input("datetime-local", value: local, step: "1")
    }

    /// As browsers write a time: `2026-11-28T14:00:05` of `2026-11-28T14:00:05.123Z`, and the first instant of a day.
    private static func localTime(_ text: String) -> String? {
        if text.isEmpty { return "" }
        switch shape(of: text) {
        case "0000-00-00": return text + "T00:00:00"
        case "0000-00-00T00:00": return text + ":00"
        case "0000-00-00T00:00:00", "0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z": return String(text.prefix(19))
        default: return nil
        }
    }

    /// With a zero for each digit.
    private static func shape(of text: String) -> String { String(text.map { $0.isASCII && $0.isNumber ? "0" : $0 }) }

    /// A value that is none of the options is one more: a browser would send the first in its place.
    private func others(than options: [Option]) -> [Option] {
        value.isEmpty || options.contains { $0.value == value } ? [] : [Option(value)]
    }

    private func option(_ option: Option) -> HTML {
        var attributes = Attributes()
        attributes.set("value", option.value)
        attributes.set("selected", if: option.value == value)
        return "<option\(attributes)>\(option.text)</option>"
    }

    private func radio(_ option: Option) -> HTML {
        var own = Attributes()
        own.set("value", option.value)
        own.set("checked", if: option.value == value)
        let about: HTML? = option.about.map { "<span>\($0)</span>" }
        return #"<label class="choice"><input type="radio"\#(own + attributes)><b>\#(option.text)</b>\#(about)</label>"#
    }

    private func input(
        _ type: String, value: String?, isChecked: Bool = false, keyboard: String? = nil, accept: String? = nil,
        step: String? = nil
    ) -> HTML {
        var own = Attributes()
        own.set("type", type)
        own.set("inputmode", keyboard)
        own.set("accept", accept)
        own.set("step", step)
        own.set("value", value.flatMap { $0.isEmpty ? nil : $0 })
        own.set("checked", if: isChecked)
        return "<input\(own + state + attributes)>"
    }
}

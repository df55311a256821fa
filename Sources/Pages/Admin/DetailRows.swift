import CallKit
import HTML
import HTTPCore
import PageKit

/// What an end customer needs of a service (O10), as rows of a form: a name, a value, and whether it is a secret. A
/// value that is there is never shown in it.
enum DetailRows {
    private static let shown = 3

    /// `names`: of those that are there, which a form that changes them begins with.
    static func fields(_ view: some PageView, names: [String] = []) -> HTML {
        "\(each: 0..<names.count + shown, { row($0, names.indices.contains($0) ? names[$0] : nil, view) })"
    }

    private static func row(_ index: Int, _ name: String?, _ view: some PageView) -> HTML {
        let acts =
            [FormField.Option("plain", "Anybody here sees it"), FormField.Option("secret", "Secret")]
            + (name == nil ? [] : [FormField.Option("remove", "Remove")])
        return """
            <div class="fields">\
            \(view.field("Name", "names.\(index)", value: name, isRequired: false, size: .short))\
            \(view.field("Value", "values.\(index)", isRequired: false))\
            \(view.field("Kind", "kinds.\(index)", .select(acts), value: "secret", isRequired: false, size: .short))</div>
            """
    }

    /// The form's rows as the API's `details`. A row without a name is none, and a change without a value is none.
    @Sendable static func compose(_ visit: Visit, _ form: FormInput) throws -> FormCall? {
        var call = try FormCall(form, of: visit)
        var members: [JSONMember] = []
        for pair in form.pairs where pair.name.hasPrefix("names.") && !pair.value.isEmpty {
            let index = pair.name.dropFirst("names.".count)
            let (value, kind) = (form["values.\(index)"] ?? "", form["kinds.\(index)"])
            if kind == "remove" {
                members.append(JSONMember(name: pair.value, value: .null))
            } else if call.method == .post || !value.isEmpty {
                members.append(
                    JSONMember(
                        name: pair.value,
                        value: .object([
                            JSONMember(name: "value", value: .string(value)),
                            JSONMember(name: "secret", value: .bool(kind != "plain")),
                        ])))
            }
        }
        let isNeeded = call.method == .patch || !members.isEmpty
        call.body = JSON.object(isNeeded ? [JSONMember(name: "details", value: .object(members))] : []).encoded()
        return call
    }
}

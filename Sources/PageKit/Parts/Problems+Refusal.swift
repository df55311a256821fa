package import CallKit
import HTML

extension Problems {
    /// Why a form was refused. `field`: what the page calls its field of this name, and that field's id; nil where it
    /// has none. `rows.0.sku` is the name of what the pointer `/rows/0/sku` leads to.
    package init(_ refusal: Refusal, field: (_ name: String) -> (label: String, id: String)?) {
        let errors = refusal.fieldErrors.map { error in
            let name = String(error.pointer.dropFirst()).replacing("/", with: ".")
            return (name: name, shown: field(name), detail: error.detail)
        }
        // What is taken, or stands in the query, may be nothing that the page has a field for.
        let isOfForm = if case .invalid = refusal { true } else { errors.contains { $0.shown != nil } }
        guard isOfForm else {
            self.init("That did not work. \(refusal.sentence)")
            return
        }
        self.init(
            "That did not work: nothing was changed.",
            fields: errors.map { name, shown, detail in
                guard let shown else { return (name.isEmpty ? "The form" : name, FormField.id(name), detail) }
                return (shown.label, shown.id, detail)
            })
    }
}

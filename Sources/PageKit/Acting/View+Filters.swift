package import HTML

/// The form of a list's filters, beside its tabs.
extension PageView {
    /// The fields of a list's filters. `keeping`: what else is asked and stays, the tab that is open.
    package func filters(_ path: StaticString, keeping: [String], _ fields: [FormField]) -> HTML {
        let kept = (keeping + ["mode", "list"]).compactMap { name in visit.asked(name).map { (name: name, value: $0) } }
        return Form.get(link(path), keeping: kept) {
            """
            \(each: fields, { $0.html })<div class="actions">\(Button("Filter"))\(clear(fields.map(\.name)))</div>
            """
        }
    }

    /// One of them: what is asked for stands in it. `hint`: for one that is compared as a whole. What browsers ask for
    /// a time by says no zone, so that the field does.
    package func filter(
        _ label: String, _ name: String, _ kind: FormField.Kind = .search, hint: String? = nil
    ) -> FormField {
        let zone: String? =
            switch kind {
            case .moment, .date: "UTC"
            default: nil
            }
        return FormField(
            label, name: name, kind: kind, value: visit.asked(name), hint: hint ?? zone, isRequired: false,
            size: .short, scope: "by")
    }
}

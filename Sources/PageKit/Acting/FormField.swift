package import HTML

/// A page's field, where what bodies are read by has the same name.
package typealias FormField = Field

extension FormField {
    /// What the page of a form said that it pays, beside the fields of its call.
    package static let total = "_total"
}

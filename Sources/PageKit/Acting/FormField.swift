package import HTML

/// A page's field, where what bodies are read by has the same name.
package typealias FormField = Field

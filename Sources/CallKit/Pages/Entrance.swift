/// Where a page sends whoever has not signed in, or whose session is over (U4). Its routes are in no table: they stand
/// in for the page's own. A value: any thread.
package struct Entrance: Sendable {
    /// In place of a page: leads to the form.
    package let instead: ServedRoute
    /// In place of what a form does: shows the form to sign in by, which keeps what was sent.
    package let keeping: ServedRoute
    /// A longer one is not kept.
    package let bytesMax: Int

    /// `instead` and `keeping`: of whom no credential is asked.
    package init(to surface: any Surface, instead: Route, keeping: Route, bytesMax: Int) {
        precondition(instead.access == .open && keeping.access == .open && keeping.moves == .nothing)
        self.instead = ServedRoute(instead, of: surface)
        self.keeping = ServedRoute(keeping, of: surface)
        self.bytesMax = bytesMax
    }
}

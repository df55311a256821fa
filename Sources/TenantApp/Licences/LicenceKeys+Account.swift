import CallKit

/// Signing in, and keys of one's own (L6). A token stands where a key does: in `api_token`.
extension LicenceKeys {
    static let account: [Route] =
        own.signingIn("Sign in; the token is an api_token for your account", Schemas.session) + own.all

    private static let own = AccountRoutes(.licences, newKey: Schemas.newKey)
}

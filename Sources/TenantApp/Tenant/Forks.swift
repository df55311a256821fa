import SQLite
import TenantRegistry

/// What a fork forgets of the tenant that it was made of (B2).
extension TenantTransaction {
    /// Keys, sessions, passwords, open links, and where somebody was known.
    func dropWaysIn() throws {
        try connection.run("DELETE FROM api_key_secret")
        try connection.run(
            "UPDATE api_key SET revoked_at = ?1, epoch = epoch + 1 WHERE revoked_at IS NULL", .time(now))
        try connection.run("DELETE FROM account_link")
        try connection.run("DELETE FROM known_place")
        try connection.run("UPDATE account SET password_hash = NULL WHERE password_hash IS NOT NULL")
        // No password hashes to it.
        try connection.run("UPDATE panel_user SET password_hash = ''")
        try connection.run("UPDATE subscriber SET password_hash = ''")
    }

    /// Provisioners, and what was set up for services.
    func dropProvisioning() throws {
        try connection.run("DELETE FROM provisioner")
        try connection.run("DELETE FROM service_details")
    }
}

/// Who may give a tenant's lane a job by itself (decision 0023). All others write by `TenantWrite` and go in `Steps`,
/// where the caller, the tenant and an earlier answer are judged.
enum LaneUsers {
    private static let files: Set<String> = [
        "Sources/CallKit/Running/Steps.swift", "Sources/CallKit/Running/TenantWrite.swift",
        "Sources/Gateway/CallRun.swift", "Sources/Gateway/Outbound/ProvisioningCaller.swift",
        "Sources/Gateway/Outbound/WebhookSender+Lane.swift", "Sources/Gateway/Scheduling/DueTurn.swift",
    ]

    static func violations(_ file: SourceFile) -> [Violation] {
        // The engine room, where lanes are made.
        guard !file.path.hasPrefix("Sources/TenantRegistry/"), !files.contains(file.path) else { return [] }
        var found: [Violation] = []
        file.words { word, line in
            if word == "LaneJob" { found.append(Violation(file.path, line, word, "TenantWrite and Steps give jobs")) }
        }
        return found
    }
}

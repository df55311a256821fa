import TenantRegistry
import Testing

/// Runs a suite's tests on threads of their own: they wait for lanes, and the pool that all tests share has two
/// threads.
struct Apart: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(OwnThread()) { try await function() }
    }
}

extension Trait where Self == Apart {
    static var apart: Self { Apart() }
}

/// A thread for each job.
private final class OwnThread: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        startThread("apart") { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

import SQLite

/// A copy of the registry while it is written (P11).
extension SQLiteRegistry {
    package func copy(to path: String, then: @escaping Done<Void>) { step(nil, path, then) }

    /// Pages a step, between which the registry's operations go on: about a millisecond each.
    private static let copyStepPages: Int32 = 256

    /// The copy under way. `@unchecked Sendable`: the registry's lane owns it.
    private final class Copying: @unchecked Sendable {
        let stepper: BackupStepper
        init(_ stepper: BackupStepper) { self.stepper = stepper }
    }

    private func step(_ copying: Copying?, _ path: String, _ then: @escaping Done<Void>) {
        lane.exclusively(
            { [self] control in
                do {
                    let copying =
                        try copying ?? Copying(control.file().connection.backup(to: path))
                    do {
                        switch try copying.stepper.step(pages: Self.copyStepPages) {
                        case .done: then(.success(()))
                        case .more: step(copying, path, then)
                        }
                    } catch {
                        copying.stepper.close()
                        throw error
                    }
                } catch {
                    DataDirectory.remove(path)
                    then(.failure(error))
                }
            },
            orElse: { failure in
                copying?.stepper.close()
                DataDirectory.remove(path)
                then(.failure(failure))
            })
    }
}

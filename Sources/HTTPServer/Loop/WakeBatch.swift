import Glibc

/// Lets a thread that answers many requests in a row wake each loop once, when it is done, instead of at the first
/// answer: without it the loop runs beside the answering thread and the two take turns.
///
/// Any thread; a batch belongs to the thread that runs it, and must be short: answers wait for its end.
package enum WakeBatch {
    /// The mailboxes that wait for their wake-up, of the thread's batch. Touched by that thread alone.
    private final class Waiting {
        var mailboxes: [Mailbox] = []
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    package static func run(_ body: () -> Void) {
        guard pthread_getspecific(key) == nil else { return body() }
        let waiting = Waiting()
        pthread_setspecific(key, Unmanaged.passUnretained(waiting).toOpaque())
        body()
        pthread_setspecific(key, nil)
        for mailbox in waiting.mailboxes { mailbox.wake() }
    }

    /// True where the thread's batch will wake the mailbox at its end.
    static func takes(_ mailbox: Mailbox) -> Bool {
        guard let place = pthread_getspecific(key) else { return false }
        Unmanaged<Waiting>.fromOpaque(place).takeUnretainedValue().mailboxes.append(mailbox)
        return true
    }
}

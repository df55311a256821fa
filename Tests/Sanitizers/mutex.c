// Preloaded under ThreadSanitizer (./test --sanitize=thread): tells it of the slow path of Swift's Mutex.
//
// Synchronization.Mutex takes an uncontended lock by one compare-and-swap, which is compiled into our code and so watched.
// A contended one goes through _lockSlow and _unlockSlow in libswiftSynchronization, which is not built for the sanitizer:
// without this, whatever two threads do one after the other under such a lock is reported as a race. Nothing is hidden:
// the two calls say "acquired" and "released" of this one lock, and what is not done under a lock is reported as before
// (Tests/Sanitizers/race.swift shows it at each run).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// The sanitizer's own; absent in programs that are not built for it.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

typedef SWIFT void (*lock_function)(uint32_t, SELF void *);
typedef SWIFT void (*unlock_function)(SELF void *);

// Looked up at the first call: the library may come later than this one.
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

SWIFT void lock_slow(uint32_t thread, SELF void *handle) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, SELF void *handle) {
    static _Atomic(lock_function) lock;
    if (!lock) lock = (lock_function)real(LOCK_SLOW);
    lock(thread, handle);
    if (__tsan_acquire) __tsan_acquire(handle);
}

SWIFT void unlock_slow(SELF void *handle) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(SELF void *handle) {
    static _Atomic(unlock_function) unlock;
    if (!unlock) unlock = (unlock_function)real(UNLOCK_SLOW);
    if (__tsan_release) __tsan_release(handle);
    unlock(handle);
}

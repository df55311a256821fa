import Glibc

/// What the kernel says of this process, under the names that Prometheus' own clients use. Any thread; reads `/proc`,
/// so never on a loop.
enum ProcessFigures {
    static func append(to page: inout MetricsPage) {
        if let open = openDescriptors { page.gauge("process_open_fds", "Open file descriptors.", open) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            page.gauge("process_max_fds", "How many file descriptors may be open.", UInt64(limit.rlim_cur))
        }
        if let residentBytes {
            page.gauge("process_resident_memory_bytes", "Memory in use.", residentBytes)
        }
        if let began { page.gauge("process_start_time_seconds", "When the process began, Unix time.", began) }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
            let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
            page.counter(
                "process_cpu_seconds_total", "CPU time, user and system.",
                microseconds: UInt64(seconds) * 1_000_000 + UInt64(microseconds))
        }
    }

    /// Unix time, by the 22nd field of `/proc/self/stat`: ticks since the machine started.
    private static var began: Int? {
        guard let file = fopen("/proc/self/stat", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1_024)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        // The second field, the program's name in brackets, may hold anything.
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        var uptime = timespec()
        guard fields.count > 19, let ticks = Int(fields[19]), clock_gettime(CLOCK_BOOTTIME, &uptime) == 0 else {
            return nil
        }
        return time(nil) - (uptime.tv_sec - ticks / sysconf(Int32(_SC_CLK_TCK)))
    }

    private static var openDescriptors: Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // `.`, `..` and the listing's own.
        return count - 3
    }

    /// The second number of `/proc/self/statm`, which counts pages.
    static var residentBytes: Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let numbers = line.prefix { $0 != 0 }.split(separator: 0x20)
        guard numbers.count > 1 else { return nil }
        let pages = Int(String(decoding: numbers[1].map(UInt8.init), as: UTF8.self))
        return pages.map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
    }
}

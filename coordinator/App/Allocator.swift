#if canImport(Glibc)
import CMalloc
#endif

/// How the process asks the system for memory.
package enum Allocator {
    /// Arenas of the allocator: by default there are eight for each core, and what one has free no other one uses.
    private static let arenasMax: Int32 = 2
    /// What is as large as this is asked of the system, and given back, by itself.
    ///
    /// By default the limit rises with what is freed, up to 32 MiB: then columns of frames that came once leave holes
    /// among what lasts.
    private static let mappedFrom: Int32 = 128 << 10

    /// For the first moments of a process, before it has threads.
    package static func bound() {
        #if canImport(Glibc)
        _ = mallopt(M_ARENA_MAX, arenasMax)
        _ = mallopt(M_MMAP_THRESHOLD, mappedFrom)
        #endif
    }
}

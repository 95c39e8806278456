#pragma once

/// Blocks of memory asked for since the start of the process, by any thread.
///
/// The program that links this has its allocator's entry points replaced by ones that count and hand on to glibc.
unsigned long allocation_count(void);

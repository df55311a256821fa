#pragma once
#include <zlib.h>

// deflateInit2 and inflateInit2 are macros that pass the version and size they were compiled with.
static inline int tollgate_deflate_start(z_stream *stream, int level, int windowBits) {
    return deflateInit2(stream, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
}
static inline int tollgate_inflate_start(z_stream *stream, int windowBits) { return inflateInit2(stream, windowBits); }

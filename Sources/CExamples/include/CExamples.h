#ifndef TOLLGATE_CEXAMPLES_H
#define TOLLGATE_CEXAMPLES_H

#include <stddef.h>

/// The recorded calls of this surface as JSON, `count` bytes of it; NULL where it has none.
const unsigned char *tollgate_examples(const char *surface, size_t *count);

#endif

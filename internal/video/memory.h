// SPDX-License-Identifier: Apache-2.0

#ifndef ASSIST_MEMORY_H
#define ASSIST_MEMORY_H

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

// give_back returns to the system what a codec had allocated. Its threads allocate from
// arenas of their own, of which glibc keeps all that was ever used: more with each session.
static inline void give_back(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

#endif

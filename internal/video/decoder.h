// SPDX-License-Identifier: Apache-2.0

#ifndef ASSIST_VIDEO_DECODER_H
#define ASSIST_VIDEO_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include <dav1d/dav1d.h>

#include "convert.h"

// One dav1d decoder and the last picture it gave, which it holds until the
// next call.
typedef struct {
	Dav1dContext *ctx;
	Dav1dPicture pic;
	int max_side;
} decoder;

enum {
	DECODED = 1,
	DECODED_NOTHING = 0,
	DECODE_FAILED = -1, // damaged or not AV1
	DECODE_FORMAT = -2, // not 8 bits 4:2:0, or too large
	DECODE_MEMORY = -3,
};

decoder *decoder_new(int max_side, unsigned max_pixels);
int decoder_decode(decoder *d, const uint8_t *tu, size_t size);
void decoder_copy(const decoder *d, planes to);
void decoder_free(decoder *d);

#endif

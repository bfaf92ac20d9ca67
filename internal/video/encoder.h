// SPDX-License-Identifier: Apache-2.0

#ifndef ASSIST_VIDEO_ENCODER_H
#define ASSIST_VIDEO_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include <aom/aom_encoder.h>
#include <aom/aom_image.h>

// One libaom encoder, the picture it encodes from, and the map of 16x16 blocks
// that it may touch. All of it lives until encoder_free.
typedef struct {
	aom_codec_ctx_t ctx;
	aom_codec_enc_cfg_t cfg;
	aom_image_t *img;
	uint8_t *active; // rows * cols, 1 where a block may change
	int rows, cols;  // of 16x16 blocks
	int ready;       // ctx is initialised
	int stale;       // cfg has changes that ctx has not seen
	int64_t pts;     // in frames
} encoder;

// What one call of encoder_encode gave; data is libaom's until the next call.
typedef struct {
	int err; // aom_codec_err_t
	const void *data;
	size_t size;
	int key;
	int quantizer; // 0 to 63
} encoded;

encoder *encoder_new(int width, int height, int threads, int kbps, int *err);
encoded encoder_encode(encoder *e, int key, int use_map, int qmin, int qmax);
void encoder_set_bitrate(encoder *e, int kbps);
void encoder_free(encoder *e);

#endif

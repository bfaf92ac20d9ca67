// SPDX-License-Identifier: Apache-2.0

//go:build cgo

#include "decoder.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

decoder *decoder_new(int max_side, unsigned max_pixels) {
	decoder *d = calloc(1, sizeof *d);
	if (!d) {
		return NULL;
	}
	Dav1dSettings s;
	dav1d_default_settings(&s);
	s.n_threads = 1;
	s.max_frame_delay = 1; // a picture comes out of the call that its bytes went into
	s.all_layers = 0;
	s.apply_grain = 0;
	s.frame_size_limit = max_pixels;
	s.logger.callback = NULL; // what the network sent is not to fill a log
	d->max_side = max_side;
	if (dav1d_open(&d->ctx, &s)) {
		free(d);
		return NULL;
	}
	return d;
}

static int usable(const decoder *d, const Dav1dPicture *p) {
	return p->p.bpc == 8 && p->p.layout == DAV1D_PIXEL_LAYOUT_I420 && p->p.w > 0 && p->p.h > 0 &&
		p->p.w <= d->max_side && p->p.h <= d->max_side;
}

// Takes every picture that is ready and keeps the last.
static int take(decoder *d, int so_far) {
	for (;;) {
		Dav1dPicture p;
		memset(&p, 0, sizeof p);
		int r = dav1d_get_picture(d->ctx, &p);
		if (r == DAV1D_ERR(EAGAIN)) {
			return so_far;
		}
		if (r) {
			return DECODE_FAILED;
		}
		dav1d_picture_unref(&d->pic);
		if (!usable(d, &p)) {
			dav1d_picture_unref(&p);
			return DECODE_FORMAT;
		}
		d->pic = p;
		so_far = DECODED;
	}
}

static int feed(decoder *d, Dav1dData *data) {
	int got = DECODED_NOTHING;
	while (data->sz > 0) {
		size_t before = data->sz;
		int r = dav1d_send_data(d->ctx, data);
		if (r && r != DAV1D_ERR(EAGAIN)) {
			return DECODE_FAILED;
		}
		got = take(d, got);
		if (got < 0 || (r && data->sz == before && got == DECODED_NOTHING)) {
			return got < 0 ? got : DECODE_FAILED;
		}
	}
	return take(d, got);
}

int decoder_decode(decoder *d, const uint8_t *tu, size_t size) {
	Dav1dData data;
	memset(&data, 0, sizeof data);
	uint8_t *to = dav1d_data_create(&data, size);
	if (!to) {
		return DECODE_MEMORY;
	}
	memcpy(to, tu, size);
	int r = feed(d, &data);
	if (data.sz > 0) {
		dav1d_data_unref(&data);
	}
	if (r < 0) {
		dav1d_flush(d->ctx); // nothing of a damaged unit may be referred to
	}
	return r;
}

static void copy_plane(const uint8_t *from, ptrdiff_t stride, uint8_t *to, int w, int h) {
	for (int y = 0; y < h; y++) {
		memcpy(to + (size_t)y * (size_t)w, from + y * stride, (size_t)w);
	}
}

void decoder_copy(const decoder *d, planes to) {
	const Dav1dPicture *p = &d->pic;
	int cw = (p->p.w + 1) / 2, ch = (p->p.h + 1) / 2;
	copy_plane(p->data[0], p->stride[0], to.y, p->p.w, p->p.h);
	copy_plane(p->data[1], p->stride[1], to.u, cw, ch);
	copy_plane(p->data[2], p->stride[1], to.v, cw, ch);
}

void decoder_free(decoder *d) {
	if (!d) {
		return;
	}
	dav1d_picture_unref(&d->pic);
	dav1d_close(&d->ctx);
	free(d);
	give_back();
}

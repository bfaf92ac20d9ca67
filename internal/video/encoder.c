// SPDX-License-Identifier: Apache-2.0

//go:build cgo

#include "encoder.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include <aom/aomcx.h>

enum { SPEED = 10, NOMINAL_RATE = 30 };

static int log2_floor(int n) {
	int r = 0;
	while (n > 1) {
		n >>= 1;
		r++;
	}
	return r;
}

// Tiles of at least 256 columns, as many as there are threads.
static int tile_columns(int width, int threads) {
	int tiles = width / 256 < threads ? width / 256 : threads;
	return tiles < 1 ? 0 : log2_floor(tiles);
}

static void configure(encoder *e, int width, int height, int threads, int kbps) {
	aom_codec_enc_cfg_t *c = &e->cfg;
	c->g_w = (unsigned)width;
	c->g_h = (unsigned)height;
	c->g_threads = (unsigned)threads;
	c->g_timebase.num = 1;
	c->g_timebase.den = NOMINAL_RATE;
	c->g_lag_in_frames = 0;
	c->g_error_resilient = 0;
	c->g_pass = AOM_RC_ONE_PASS;
	c->rc_end_usage = AOM_CBR;
	c->rc_target_bitrate = (unsigned)kbps;
	c->rc_dropframe_thresh = 0;
	c->rc_undershoot_pct = 50;
	c->rc_overshoot_pct = 50;
	c->rc_buf_sz = 1000; // milliseconds of the bit rate
	c->rc_buf_initial_sz = 600;
	c->rc_buf_optimal_sz = 600;
	c->kf_mode = AOM_KF_DISABLED;
}

typedef struct {
	int id, value;
} setting;

// Controls that this build of libaom does not know are passed over: each of
// them only trades speed for bytes.
static void control(encoder *e, int width, int threads) {
	const setting all[] = {
		{AOME_SET_CPUUSED, SPEED},
		{AV1E_SET_TUNE_CONTENT, AOM_CONTENT_SCREEN},
		{AV1E_SET_TILE_COLUMNS, tile_columns(width, threads)},
		{AV1E_SET_ROW_MT, threads > 1},
		{AV1E_SET_ENABLE_PALETTE, 1},
		{AV1E_SET_ENABLE_INTRABC, 0},
		{AV1E_SET_AQ_MODE, 0},
		{AV1E_SET_DELTAQ_MODE, 0},
		{AV1E_SET_ENABLE_TPL_MODEL, 0},
		{AV1E_SET_ENABLE_ORDER_HINT, 0},
		{AV1E_SET_ENABLE_OBMC, 0},
		{AV1E_SET_ENABLE_GLOBAL_MOTION, 0},
		{AV1E_SET_ENABLE_WARPED_MOTION, 0},
		{AV1E_SET_ENABLE_REF_FRAME_MVS, 0},
		{AV1E_SET_ENABLE_CFL_INTRA, 0},
		{AV1E_SET_ENABLE_SMOOTH_INTRA, 0},
		{AV1E_SET_ENABLE_ANGLE_DELTA, 0},
		{AV1E_SET_ENABLE_FILTER_INTRA, 0},
		{AV1E_SET_INTRA_DEFAULT_TX_ONLY, 1},
		{AV1E_SET_CDF_UPDATE_MODE, 1},
		// Costs recomputed once a tile: half the time of small changes, the same bytes.
		{AV1E_SET_COEFF_COST_UPD_FREQ, 2},
		{AV1E_SET_MODE_COST_UPD_FREQ, 2},
		{AV1E_SET_MV_COST_UPD_FREQ, 2},
		{AV1E_SET_DV_COST_UPD_FREQ, 2},
		{AV1E_SET_COLOR_PRIMARIES, AOM_CICP_CP_BT_709},
		{AV1E_SET_TRANSFER_CHARACTERISTICS, AOM_CICP_TC_BT_709},
		{AV1E_SET_MATRIX_COEFFICIENTS, AOM_CICP_MC_BT_709},
		{AV1E_SET_COLOR_RANGE, AOM_CR_STUDIO_RANGE},
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		aom_codec_control(&e->ctx, all[i].id, all[i].value);
	}
}

encoder *encoder_new(int width, int height, int threads, int kbps, int *err) {
	encoder *e = calloc(1, sizeof *e);
	*err = AOM_CODEC_MEM_ERROR;
	if (!e) {
		return NULL;
	}
	e->cols = (width + 15) / 16;
	e->rows = (height + 15) / 16;
	e->active = calloc((size_t)e->rows, (size_t)e->cols);
	e->img = aom_img_alloc(NULL, AOM_IMG_FMT_I420, (unsigned)width, (unsigned)height, 32);
	if (!e->active || !e->img) {
		encoder_free(e);
		return NULL;
	}
	aom_codec_iface_t *av1 = aom_codec_av1_cx();
	*err = aom_codec_enc_config_default(av1, &e->cfg, AOM_USAGE_REALTIME);
	if (!*err) {
		configure(e, width, height, threads, kbps);
		*err = aom_codec_enc_init(&e->ctx, av1, &e->cfg, 0);
	}
	if (*err) {
		encoder_free(e);
		return NULL;
	}
	e->ready = 1;
	control(e, width, threads);
	return e;
}

void encoder_set_bitrate(encoder *e, int kbps) {
	e->stale = e->stale || e->cfg.rc_target_bitrate != (unsigned)kbps;
	e->cfg.rc_target_bitrate = (unsigned)kbps;
}

// A configuration that did not change is not sent again: a new one makes libaom
// recompute its rate control.
static int apply(encoder *e, int qmin, int qmax) {
	aom_codec_enc_cfg_t *c = &e->cfg;
	if (!e->stale && (int)c->rc_min_quantizer == qmin && (int)c->rc_max_quantizer == qmax) {
		return AOM_CODEC_OK;
	}
	c->rc_min_quantizer = (unsigned)qmin;
	c->rc_max_quantizer = (unsigned)qmax;
	e->stale = 0;
	return aom_codec_enc_config_set(&e->ctx, c);
}

encoded encoder_encode(encoder *e, int key, int use_map, int qmin, int qmax) {
	encoded out = {0};
	out.err = apply(e, qmin, qmax);
	if (out.err) {
		return out;
	}
	aom_active_map_t map = {use_map ? e->active : NULL, (unsigned)e->rows, (unsigned)e->cols};
	aom_codec_control(&e->ctx, AOME_SET_ACTIVEMAP, &map);
	out.err = aom_codec_encode(&e->ctx, e->img, e->pts++, 1, key ? AOM_EFLAG_FORCE_KF : 0);
	if (out.err) {
		return out;
	}
	aom_codec_iter_t iter = NULL;
	const aom_codec_cx_pkt_t *p;
	while ((p = aom_codec_get_cx_data(&e->ctx, &iter))) {
		if (p->kind == AOM_CODEC_CX_FRAME_PKT) {
			out.data = p->data.frame.buf;
			out.size = p->data.frame.sz;
			out.key = (p->data.frame.flags & AOM_FRAME_IS_KEY) != 0;
		}
	}
	aom_codec_control(&e->ctx, AOME_GET_LAST_QUANTIZER_64, &out.quantizer);
	return out;
}

void encoder_free(encoder *e) {
	if (!e) {
		return;
	}
	if (e->ready) {
		aom_codec_destroy(&e->ctx);
	}
	if (e->img) {
		aom_img_free(e->img);
	}
	free(e->active);
	free(e);
	give_back();
}
